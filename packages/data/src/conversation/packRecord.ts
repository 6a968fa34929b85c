/**
 * @file One record as the parts of a build keep it: a number of 16-bit words, like the tokens of a text. Word 0 says how many
 * bytes fill up the last word; then follows a shard of that record alone.
 */
import { bytesOf } from '@alice/protocol';
import {
  type ConversationKind,
  type ConversationRecord,
  decodeConversationShard,
  encodeConversationShard,
} from './conversationShard.js';

export function packRecord(kind: ConversationKind, record: ConversationRecord): Uint16Array {
  const bytes = encodeConversationShard(kind, [record]);
  const words = new Uint16Array(1 + Math.ceil(bytes.length / 2));
  words[0] = bytes.length % 2;
  bytesOf(words).set(bytes, 2);
  return words;
}

export function unpackRecord(words: Uint16Array): ConversationRecord {
  const decoded = decodeConversationShard(bytesOf(words).subarray(2, 2 * words.length - words[0]!));
  if ('reason' in decoded) throw new Error(`cannot happen: a part holds ${decoded.reason}`);
  return decoded.records[0]!;
}

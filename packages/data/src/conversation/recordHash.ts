/** @file What a record is known by when equal ones are looked for: its tokens. The loss mask follows from them. */
import { createHash } from 'node:crypto';
import { type ConversationRecord, partsOf } from './conversationShard.js';

/** SHA-256 over the parts of a record, each after its length. */
export function recordHash(record: ConversationRecord): Buffer {
  const hash = createHash('sha256');
  for (const part of partsOf(record)) hash.update(`${part.length}|`).update(part);
  return hash.digest();
}

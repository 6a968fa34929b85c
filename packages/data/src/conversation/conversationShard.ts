/**
 * @file The file of a conversation shard, little endian: "ALICECV1" (8 bytes) ‖ kind (4: 1 chat, 2 preference) ‖ records n
 * (4) ‖ tokens t (4) ‖ lengths (4 each: one a chat; prompt, chosen, rejected of a preference) ‖ t tokens (2 each) ‖ for
 * chats the loss mask, one bit a token, lowest bit first, the last byte filled with zeros. One content has one encoding:
 * reading refuses all else, so a hash names what is learned.
 */
import { bytesToTokens, tokensToBytes } from '../shardBytes.js';
import type { ChatTokens } from './chatTemplate.js';

export type ConversationKind = 'chat' | 'preference';

export interface PreferenceTokens {
  readonly prompt: Uint16Array;
  readonly chosen: Uint16Array;
  readonly rejected: Uint16Array;
}

export type ConversationRecord = ChatTokens | PreferenceTokens;

const MAGIC = Buffer.from('ALICECV1');
const HEADER_BYTES = 20;
const KINDS = ['chat', 'preference'] as const;
const LENGTHS = { chat: 1, preference: 3 } as const;

export function partsOf(record: ConversationRecord): readonly Uint16Array[] {
  return 'mask' in record ? [record.tokens] : [record.prompt, record.chosen, record.rejected];
}

/** Tokens whose prediction is learned. */
export function learnedTokens(record: ConversationRecord): number {
  if (!('mask' in record)) return record.chosen.length + record.rejected.length;
  return record.mask.reduce((sum, bit) => sum + bit, 0);
}

/** The bytes of a shard; all records are of `kind`. */
export function encodeConversationShard(
  kind: ConversationKind,
  records: readonly ConversationRecord[],
): Uint8Array {
  const parts = records.flatMap(partsOf);
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  const tokensAt = HEADER_BYTES + 4 * parts.length;
  const maskAt = tokensAt + 2 * count;
  const bytes = Buffer.alloc(maskAt + (kind === 'chat' ? Math.ceil(count / 8) : 0));
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(KINDS.indexOf(kind) + 1, 8);
  bytes.writeUInt32LE(records.length, 12);
  bytes.writeUInt32LE(count, 16);
  let at = tokensAt;
  for (const [i, part] of parts.entries()) {
    bytes.writeUInt32LE(part.length, HEADER_BYTES + 4 * i);
    bytes.set(tokensToBytes(part), at);
    at += 2 * part.length;
  }
  let bit = 0;
  for (const record of records)
    if ('mask' in record)
      for (const isLearned of record.mask) {
        if (isLearned === 1) bytes[maskAt + (bit >>> 3)]! |= 1 << (bit & 7);
        bit++;
      }
  return bytes;
}

/** The records of a shard, or why the bytes are none. */
export function decodeConversationShard(
  bytes: Uint8Array,
): { readonly kind: ConversationKind; readonly records: ConversationRecord[] } | { readonly reason: string } {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (data.length < HEADER_BYTES || !data.subarray(0, 8).equals(MAGIC))
    return { reason: 'no conversation shard' };
  const kind = KINDS[data.readUInt32LE(8) - 1];
  if (kind === undefined) return { reason: 'an unknown kind' };
  const [records, count] = [data.readUInt32LE(12), data.readUInt32LE(16)];
  const tokensAt = HEADER_BYTES + 4 * records * LENGTHS[kind];
  const maskAt = tokensAt + 2 * count;
  if (data.length !== maskAt + (kind === 'chat' ? Math.ceil(count / 8) : 0))
    return { reason: 'another length' };
  const tokens = bytesToTokens(data.subarray(tokensAt, maskAt));
  const lengths = Array.from({ length: records * LENGTHS[kind] }, (_, i) =>
    data.readUInt32LE(HEADER_BYTES + 4 * i),
  );
  if (lengths.reduce((sum, length) => sum + length, 0) !== count)
    return { reason: 'lengths that do not add up' };
  const cut = <T extends Uint16Array | Uint8Array>(whole: T): T[] => {
    let end = 0;
    return lengths.map((length) => {
      end += length;
      return whole.subarray(end - length, end) as T;
    });
  };
  const parts = cut(tokens);
  if (kind === 'preference')
    return {
      kind,
      records: Array.from({ length: records }, (_, i) => ({
        prompt: parts[3 * i]!,
        chosen: parts[3 * i + 1]!,
        rejected: parts[3 * i + 2]!,
      })),
    };
  const mask = unpackedBits(data.subarray(maskAt), count);
  if (mask === null) return { reason: 'bits beyond the mask' };
  const masks = cut(mask);
  return { kind, records: parts.map((part, i) => ({ tokens: part, mask: masks[i]! })) };
}

function unpackedBits(packed: Uint8Array, count: number): Uint8Array | null {
  if (count % 8 !== 0 && packed.at(-1)! >>> (count % 8) !== 0) return null;
  return Uint8Array.from({ length: count }, (_, i) => (packed[i >>> 3]! >>> (i & 7)) & 1);
}

/**
 * @file The hash of a GGUF file's head, kept within it: `alice.head_sha256` is the SHA-256 of everything before the data,
 * its own digits read as zeros. So settings and tokenizer are as safe from damage as the tensors, whose hashes lie in the
 * head too. llama.cpp skips the key. Files of before have none.
 */
import { utf8 } from '@alice/protocol';
import { CheckpointError, corrupt } from './checkpointError.js';
import { GgufWriter } from './GgufWriter.js';
import type { GgufHead } from './ggufHead.js';

export const HEAD_HASH = 'alice.head_sha256';
/** What stands in for the digits while they are not known. */
export const UNSEALED = '0'.repeat(64);

/** Writes the hash over `UNSEALED`. */
export async function sealHead(head: Uint8Array): Promise<Uint8Array> {
  const { hexDigest } = await import('./nodeFiles.js');
  const sealed = head.slice();
  sealed.set(utf8.encode(hexDigest(head)), digitsFrom(head));
  return sealed;
}

/** Throws `CHECKPOINT_HASH_MISMATCH`, `CHECKPOINT_CORRUPT`. A head without the key is taken as it is. */
export async function checkSeal(file: string, head: Uint8Array, { pairs }: GgufHead): Promise<void> {
  const expected = pairs.get(HEAD_HASH);
  if (expected === undefined) return;
  const from = digitsFrom(head);
  if (typeof expected !== 'string' || from < 0) throw corrupt(file, 'the hash of its head is none');
  const { hexDigest } = await import('./nodeFiles.js');
  const unsealed = head.slice();
  unsealed.set(utf8.encode(UNSEALED), from);
  const actual = hexDigest(unsealed);
  if (actual === expected) return;
  throw new CheckpointError(
    { code: 'CHECKPOINT_HASH_MISMATCH', file, expected, actual },
    `${file}: its head (settings, tokenizer, names) is not what was written. Copy or export the checkpoint again`,
  );
}

/** Where the digits begin; −1 where there are none. */
function digitsFrom(head: Uint8Array): number {
  const before = new GgufWriter().text(HEAD_HASH, '').pairs;
  const length = Uint8Array.of(UNSEALED.length, 0, 0, 0, 0, 0, 0, 0);
  before.set(length, before.length - length.length);
  const at = Buffer.from(head.buffer, head.byteOffset, head.length).indexOf(before);
  return at < 0 ? at : at + before.length;
}

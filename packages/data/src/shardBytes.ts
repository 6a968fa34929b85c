/** @file Tokens as a shard stores them: 2 bytes each, little endian, nothing else (DATA-1). Runs in browsers too. */
import { bytesOf } from '@alice/protocol';

const IS_LITTLE = bytesOf(Uint16Array.of(1))[0] === 1;

export function shardFileName(id: number): string {
  return `shard-${String(id).padStart(6, '0')}.bin`;
}

/** The bytes of tokens; on little-endian machines a view of the same memory. */
export function tokensToBytes(tokens: Uint16Array): Uint8Array {
  return IS_LITTLE ? bytesOf(tokens) : swapPairs(bytesOf(tokens).slice());
}

/** The tokens of an even number of bytes, in memory of their own. */
export function bytesToTokens(bytes: Uint8Array): Uint16Array {
  const copy = new Uint8Array(bytes);
  if (!IS_LITTLE) swapPairs(copy);
  return new Uint16Array(copy.buffer);
}

function swapPairs(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i + 1 < bytes.length; i += 2) bytes.subarray(i, i + 2).reverse();
  return bytes;
}

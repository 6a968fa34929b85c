/**
 * @file Blake2b-256 for the state trie, through WebAssembly: the trie hashes thousands of nodes per block, and the
 * pure JavaScript version is about nine times slower. Call `await initHasher()` once before anything in this folder.
 */
import { createBLAKE2b, type IHasher } from 'hash-wasm';

let hasher: IHasher | undefined;

/** Loads the WebAssembly once; later calls return at once. */
export async function initHasher(): Promise<void> {
  hasher ??= await createBLAKE2b(256);
}

/** Blake2b-256 of `bytes`: 32 fresh bytes. */
export function blake2(bytes: Uint8Array): Uint8Array {
  if (!hasher) throw new Error('cannot happen: initHasher() is awaited by startNode before any hashing');
  return hasher.init().update(bytes).digest('binary');
}

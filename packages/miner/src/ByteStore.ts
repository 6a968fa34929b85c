/**
 * @file Byte strings by name, the ground a ContentCache stands on: a folder on a computer (folderBytes.ts), a database
 * in a browser (browser/DatabaseBytes.ts). May lose what it holds at any time; the cache downloads it again.
 */

import type { HashHex } from '@alice/protocol';

export interface StoredItem {
  readonly name: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly usedAtMs: number;
}

export interface ByteStore {
  list(): Promise<readonly StoredItem[]>;
  /** `undefined` when there is none of that name, or it cannot be read. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Throws when there is no room. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Notes that it was used now; only the order of eviction depends on it. */
  touch(name: string, usedAtMs: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** SHA-256 by the fastest means there is here. */
  hashOf(bytes: Uint8Array): HashHex | Promise<HashHex>;
}

/**
 * @file The bytes of snapshot chunks: byte strings one after the other, each with its length as an unsigned varint of at
 * most four bytes in front. A state chunk is key, value, key, value, in ascending key order. Equal contents are written
 * in one way only.
 */
import { concatBytes } from '@alice/protocol';
import { CHUNK_BYTES, invalidSnapshot } from './manifest.js';

export type StateEntry = readonly [key: Uint8Array, value: Uint8Array];

/** A list of byte strings. */
export function encodeList(items: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...items.flatMap((item) => [varint(item.length), item]));
}

/** The strings of a list. Throws `SNAPSHOT_INVALID` on anything that `encodeList` does not write. */
export function* decodeList(bytes: Uint8Array): IterableIterator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const { value: length, next } = readVarint(bytes, at);
    if (next + length > bytes.length) throw invalidSnapshot('a chunk is cut short');
    yield bytes.slice(next, next + length);
    at = next + length;
  }
}

/** State entries as chunks, each complete before the next entry is read. */
export function* encodeEntries(
  entries: Iterable<StateEntry>,
): IterableIterator<{ chunk: Uint8Array; entries: number }> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    for (const part of [varint(key.length), key, varint(value.length), value]) {
      parts.push(part);
      bytes += part.length;
    }
    if (bytes < CHUNK_BYTES) continue;
    yield { chunk: concatBytes(...parts), entries: parts.length / 4 };
    parts = [];
    bytes = 0;
  }
  if (parts.length > 0) yield { chunk: concatBytes(...parts), entries: parts.length / 4 };
}

/** The entries of one state chunk. Throws `SNAPSHOT_INVALID`. */
export function* decodeEntries(chunk: Uint8Array): IterableIterator<StateEntry> {
  let key: Uint8Array | undefined;
  for (const item of decodeList(chunk)) {
    if (key) yield [key, item];
    key = key ? undefined : item;
  }
  if (key) throw invalidSnapshot('a key has no value');
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  if (bytes.length > 4) throw new Error('cannot happen: values are far shorter than 256 MiB');
  return Uint8Array.from(bytes);
}

function readVarint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value |= (byte & 127) << (7 * i);
    if (byte >= 128) continue;
    if (byte === 0 && i > 0) break; // a shorter way to write the same length
    return { value, next: at + i + 1 };
  }
  throw invalidSnapshot('a chunk has an impossible length');
}

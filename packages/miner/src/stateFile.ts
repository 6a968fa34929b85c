/**
 * @file Named byte strings and a few facts in one checked file, written atomically: all of it is from one moment or
 * the file counts as damaged. Layout: "ALMS" + version byte, header length u32 little-endian, header JSON, the parts,
 * SHA-256 of everything before. A damaged file is kept beside under another name and never used.
 */
import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, equalBytes, utf8 } from '@alice/protocol';
import { writeFileAtomic } from './atomicFile.js';
import type { LoadedState, StateContent, States } from './states.js';

const MAGIC = Uint8Array.of(0x41, 0x4c, 0x4d, 0x53, 1);
const HASH_BYTES = 32;

/** States as files of a folder, `<name>.bin` each. */
export function fileStates(dir: string): States {
  const pathOf = (name: string): string => join(dir, `${name}.bin`);
  return {
    place: dir,
    load: (name) => loadState(pathOf(name)),
    save: (name, content) => saveState(pathOf(name), content),
  };
}

/** Writes the file anew. Cost: one pass over the bytes for the hash, one for the disk. */
export async function saveState<Facts>(path: string, { facts, parts }: StateContent<Facts>): Promise<void> {
  const sizes = [...parts].map(([name, bytes]) => [name, bytes.length]);
  const header = utf8.encode(JSON.stringify({ facts, sizes }));
  const pieces = [MAGIC, bytesOf(littleEndian32(header.length)), header, ...parts.values()];
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  await writeFileAtomic(path, ...pieces, hash.digest());
}

/** Reads what `saveState` wrote; a damaged file is set aside as `<path>.damaged`. `Facts` are trusted: the hash held. */
export async function loadState<Facts>(path: string): Promise<LoadedState<Facts>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { found: 'missing' };
    throw error;
  }
  const content = parse<Facts>(bytes);
  if (content !== undefined) return { found: 'good', ...content };
  await rename(path, `${path}.damaged`);
  return { found: 'damaged' };
}

function parse<Facts>(bytes: Uint8Array): StateContent<Facts> | undefined {
  const bodyEnd = bytes.length - HASH_BYTES;
  let at = MAGIC.length + 4;
  if (bodyEnd < at || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const digest = createHash('sha256').update(bytes.subarray(0, bodyEnd)).digest();
  if (!equalBytes(digest, bytes.subarray(bodyEnd))) return undefined;
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const header = JSON.parse(utf8.decode(bytes.subarray(at, at + headerLength))) as {
    facts: Facts;
    sizes: [string, number][];
  };
  at += headerLength;
  const parts = new Map<string, Uint8Array>();
  for (const [name, size] of header.sizes) {
    parts.set(name, new Uint8Array(bytes.subarray(at, at + size))); // a copy: aligned for any typed array
    at += size;
  }
  return { facts: header.facts, parts };
}

function littleEndian32(value: number): DataView {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return view;
}

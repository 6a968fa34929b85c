/** @file One pass over a file of halves: set-deltas are written into it, window by window, and everything is hashed anew. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { PAGE_BYTES, PAGE_HASH_BYTES, PageHasher } from '@alice/model/node';
import { bytesOf, type HashHex, type SetDelta, StateRootBuilder, type TensorLayout } from '@alice/protocol';
import { TrainingError } from '../errors.js';
import { DeltaWriter } from './DeltaWriter.js';
import { readFully } from './readFully.js';

/** 16 MiB, whole pages. */
const WINDOW_ELEMENTS = 2 ** 23;

export interface Rewritten {
  readonly pages: Uint8Array;
  readonly stateRoot: HashHex;
}

export interface RewriteOptions {
  readonly layout: TensorLayout;
  /** Oldest first. */
  readonly deltas: readonly SetDelta[];
  /** The hashes of the pages as they are; absent: they may hold a part of the changes already. */
  readonly pages: Uint8Array | undefined;
  /** Read at a time; a multiple of a page's elements. Default: 2²³. */
  readonly windowElements?: number;
}

/** Throws `REPLICA_DAMAGED` for a page that is not what its hash says. Cost: reading the file, writing what changes, two hashes. */
export async function rewriteHalves(
  file: FileHandle,
  { layout, deltas, pages, windowElements = WINDOW_ELEMENTS }: RewriteOptions,
): Promise<Rewritten> {
  const writers = deltas.map((delta) => new DeltaWriter(delta));
  const [hasher, root] = [new PageHasher(), new StateRootBuilder(layout, () => createHash('sha256'))];
  const memory = new Uint16Array(Math.min(windowElements, layout.size));
  for (let at = 0; at < layout.size; at += memory.length) {
    const halves = memory.subarray(0, Math.min(memory.length, layout.size - at));
    const bytes = bytesOf(halves);
    await readFully(file, bytes, 2 * at);
    if (pages) checkPages(bytes, 2 * at, pages);
    const changed = writers.reduce((count, writer) => count + writer.writeInto(halves, at), 0);
    if (changed > 0) await file.write(bytes, 0, bytes.length, 2 * at);
    hasher.add(bytes);
    root.add(halves);
  }
  return { pages: hasher.finish(), stateRoot: root.finish() };
}

function checkPages(bytes: Uint8Array, from: number, pages: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const page = (from + at) / PAGE_BYTES;
    const expected = pages.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES);
    const actual = createHash('sha256')
      .update(bytes.subarray(at, at + PAGE_BYTES))
      .digest();
    if (actual.equals(expected)) continue;
    throw new TrainingError(
      { code: 'REPLICA_DAMAGED', byte: from + at },
      `the weights on disk are damaged in the page at byte ${from + at}: what differs is fetched again`,
    );
  }
}

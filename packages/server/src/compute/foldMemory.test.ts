/**
 * @file What a fold holds, counted: buffers that anything refers to while parts are written, for models of one and of eight
 * times the size and for few and many submissions. It is the same, and far less than the model.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { layoutOf, SetDeltaEncoder } from '@alice/protocol';
import { foldSubmissions, publishHalves } from '@alice/training';
import { openFolderBlobStore } from '../blobs/BlobStore.js';
import { heldBuffers, scattered } from '../testing/heldBuffers.js';
import { FileTermStore } from './FileTermStore.js';
import { openScratchFolder } from './scratchFolder.js';
import { VersionWriter } from './VersionWriter.js';

const PART = 2 ** 16;
/** Counting is what takes time. */
const COUNTED_EVERY = 4;
const ENTRIES = 2_000;

/** The most that is held at any part, beyond what was held before. */
async function mostHeld(size: number, submissions: number): Promise<number> {
  const layout = layoutOf([['weights', [size]]]);
  const rule = { rule: 'mean', clip: true, groups: 1 } as const;
  const dir = mkdtempSync(join(tmpdir(), 'alice-fold-memory-'));
  try {
    const blobs = openFolderBlobStore(join(dir, 'blobs'));
    const before = heldBuffers();
    let most = 0;
    await openScratchFolder(join(dir, 'folding')).use(async (newFile) => {
      const version = new VersionWriter(layout, blobs, newFile);
      const changes = new SetDeltaEncoder(layout, { newScratch: newFile });
      await foldSubmissions({
        ...{ layout, rule, outerLearningRate: 1, count: submissions },
        base: async (_, length) => new Float32Array(length).fill(1),
        terms: new FileTermStore(layout, 1, newFile, { partElements: PART }),
        deltaAt: async (position) => ({ delta: scattered(size, { entries: ENTRIES, seed: position }) }),
        onPart: async ({ offset, base, master }) => {
          const halves = publishHalves(master);
          changes.add(publishHalves(base), halves);
          await version.add({ master, halves });
          const part = offset / PART;
          if (part % COUNTED_EVERY === COUNTED_EVERY - 1) most = Math.max(most, heldBuffers() - before);
        },
      });
      await version.finish();
    });
    return most;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

it('a fold holds a few parts, however large the model and however many the submissions', async () => {
  const small = await mostHeld(2 ** 19, 4);
  assert.ok(small > 12 * PART, `sums and weights of a part are held: ${small} bytes`);
  for (const [size, submissions] of [
    [2 ** 22, 4],
    [2 ** 19, 64],
  ] as const) {
    const held = await mostHeld(size, submissions);
    assert.ok(Math.abs(held - small) < PART, `${held} bytes against ${small}`);
  }
});

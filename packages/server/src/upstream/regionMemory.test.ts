/**
 * @file What a region's fold holds, counted: buffers that anything refers to whenever a part is read or written, for models of one
 * and of eight times the size and for few and many submissions. It is the same, and far less than the model.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { bytesOf, type HashHex, layoutOf } from '@alice/protocol';
import { defaultAggregatorOptions, type Selection } from '@alice/training';
import { openFolderBlobStore } from '../blobs/BlobStore.js';
import { FileTermStore } from '../compute/FileTermStore.js';
import { openScratchFolder, type ScratchFolder } from '../compute/scratchFolder.js';
import { heldBuffers, scattered } from '../testing/heldBuffers.js';
import { HEADER_OF_NO_TASK } from '../testing/TestClient.js';
import { foldRegion, type RegionFoldRequest } from './foldRegion.js';

const PART = 2 ** 16;
/** Counting is what takes time. Odd, since parts are read and put aside in turn. */
const COUNTED_EVERY = 5;
const ENTRIES = 1_000;

/** The most that is held whenever a part is read or put aside, beyond what was held before. */
async function mostHeld(size: number, members: number, selection: Selection): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-region-memory-'));
  try {
    const stored = openFolderBlobStore(join(dir, 'blobs'));
    const residual = (await stored.put(bytesOf(new Float32Array(size)))).hash;
    const request: RegionFoldRequest = {
      ...{ header: HEADER_OF_NO_TASK, rule: defaultAggregatorOptions, residual },
      submissions: Array.from({ length: members }, (_, i) => ({ blobHash: hashOf(i), verifiedTokens: 1 })),
      settings: {
        density: 1e-5,
        selection,
        errorFeedbackDecay: 0.95,
        wire: { wire: 'binary_v3', valueBits: 2 },
      },
    };
    const model = {
      layout: layoutOf([['weights', [size]]]),
      deltaOf: async (hash: HashHex) => scattered(size, { entries: ENTRIES, seed: Number(hash) }),
    };
    const count = new HeldCount();
    await foldRegion(
      model,
      {
        ...stored,
        readInto: (...range) => {
          count.look();
          return stored.readInto(...range);
        },
      },
      countedScratch(openScratchFolder(join(dir, 'folding')), count),
      request,
      (layout, _, newFile) => new FileTermStore(layout, 1, newFile, { partElements: PART }),
    );
    return count.most;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

class HeldCount {
  most = 0;
  #looks = 0;
  readonly #before = heldBuffers();

  look(): void {
    if (this.#looks++ % COUNTED_EVERY === 0) this.most = Math.max(this.most, heldBuffers() - this.#before);
  }
}

function countedScratch(scratch: ScratchFolder, count: HeldCount): ScratchFolder {
  return {
    use: (work) =>
      scratch.use((newFile) =>
        work((options) => {
          const file = newFile(options);
          const append = file.append.bind(file);
          file.append = (bytes) => {
            if (bytes.length === 4 * PART) count.look(); // no run of terms
            append(bytes);
          };
          return file;
        }),
      ),
  };
}

const hashOf = (number: number): HashHex => `0x${number.toString(16).padStart(64, '0')}`;

for (const selection of ['chunked', 'global'] as const)
  it(`a region holds a few parts, however large the model and however many its members: ${selection}`, async () => {
    const small = await mostHeld(2 ** 19, 4, selection);
    assert.ok(small > 12 * PART, `sums and delta of a part are held: ${small} bytes`);
    for (const [size, members] of [
      [2 ** 22, 4],
      [2 ** 19, 64],
    ] as const) {
      const held = await mostHeld(size, members, selection);
      assert.ok(Math.abs(held - small) < PART, `${held} bytes against ${small}`);
    }
  });

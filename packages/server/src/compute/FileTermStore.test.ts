/** @file Terms in files: the same sums as in memory, whatever the parts and however often the log is added up. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { layoutOf, type SparseDelta, seededRandom } from '@alice/protocol';
import { MemoryTermStore, selectTopK, type Term } from '@alice/training';
import fc from 'fast-check';
import { FileTermStore } from './FileTermStore.js';
import { openScratchFolder, type ScratchFolder } from './scratchFolder.js';

const layout = layoutOf([
  ['a', [50]],
  ['b', [1]],
  ['c', [7, 11]],
]);

function termOf(seed: number, groups: number): Term {
  const random = seededRandom(`term ${seed}`);
  const values = Float32Array.from({ length: layout.size }, () => random.normal());
  const factors = Float64Array.from(layout.tensors, () => random.unit());
  return {
    delta: selectTopK(values, { layout, density: random.unit() }),
    group: random.below(groups),
    factors,
  };
}

describe('terms in files', () => {
  let dir: string;
  let scratch: ScratchFolder;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'alice-terms-'));
    scratch = openScratchFolder(dir);
  });
  after(() => rmSync(dir, { recursive: true }));

  it('sum to the same as in memory', async () => {
    const shapes = fc.record({
      groups: fc.integer({ min: 1, max: 4 }),
      partElements: fc.integer({ min: 1, max: 300 }),
      logBytes: fc.constantFrom(1, 2_000, 2 ** 30),
      seeds: fc.array(fc.nat(), { maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ groups, partElements, logBytes, seeds }) => {
        await scratch.use(async (newFile) => {
          const inFiles = new FileTermStore(layout, groups, newFile, { partElements, logBytes });
          const inMemory = new MemoryTermStore(layout, groups);
          for (const seed of seeds) for (const store of [inFiles, inMemory]) store.add(termOf(seed, groups));
          const step = inFiles.partElements;
          for (let offset = 0; offset < layout.size; offset += step) {
            const size = Math.min(step, layout.size - offset);
            assert.deepEqual(inFiles.sums(offset, size), inMemory.sums(offset, size));
          }
        });
        assert.deepEqual(readdirSync(dir), [], 'nothing is left');
      }),
      { numRuns: 40 },
    );
  });

  it('runs longer than a record are cut, and positions beyond 32 bits are right', async () => {
    const huge = layoutOf([
      ['first', [2 ** 16, 2 ** 16]],
      ['second', [200_000]],
    ]);
    const indices = Uint32Array.from({ length: 200_000 }, (_, i) => i);
    const values = Float32Array.from(indices, (i) => i / 2 ** 20);
    const far = Uint32Array.of(2 ** 32 - 1);
    const delta: SparseDelta = {
      tensors: [
        { tensor: 0, indices: far, values: Float32Array.of(0.5) },
        { tensor: 1, indices, values },
      ],
    };
    await scratch.use(async (newFile) => {
      const store = new FileTermStore(huge, 1, newFile, { partElements: 2 ** 20 });
      for (const _ of [1, 2]) store.add({ delta, group: 0, factors: Float64Array.of(1, 0.25) });
      const last = store.sums(2 ** 32 - 2 ** 20, 2 ** 20)[0]!.slice();
      const next = store.sums(2 ** 32, 200_000)[0]!;
      assert.equal(last.at(-1), 2 ** 40);
      assert.ok(last.subarray(0, -1).every((sum) => sum === 0));
      assert.ok(next.every((sum, i) => sum === 2 * Math.round((0.25 * i * 2 ** 40) / 2 ** 20)));
    });
  });
});

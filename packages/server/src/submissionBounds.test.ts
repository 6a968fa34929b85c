/** @file The bounds hold for everything an honest miner can send, and are tight. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encodeSubmission, entryCount, layoutOf, seededRandom } from '@alice/protocol';
import { selectTopK } from '@alice/training';
import fc from 'fast-check';
import { maxSubmissionBytes, submissionBounds } from './submissionBounds.js';

const header = {
  taskId: `0x${'00'.repeat(16)}`,
  nonce: `0x${'00'.repeat(32)}`,
  stateRoot: `0x${'00'.repeat(32)}`,
  baseVersion: 0,
  innerSteps: 1,
  tokens: 1,
  meanTrainingLossNats: 1,
} as const;

it('takes every top-k selection of a dense delta', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 4 });
  const density = fc.double({ min: 0.001, max: 1, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      sizes,
      density,
      fc.constantFrom('chunked' as const, 'global' as const),
      async (shapes, share, selection) => {
        const layout = layoutOf(shapes.map((size, i) => [`t${i}`, [size]] as const));
        const random = seededRandom(`${shapes}`);
        const delta = selectTopK(
          Float32Array.from({ length: layout.size }, () => random.normal()),
          { layout, density: share, selection },
        );
        const bounds = submissionBounds(layout, { density: share, selection });
        assert.equal(entryCount(delta), bounds.maxEntries, 'a dense delta reaches the bound');
        const bytes = await encodeSubmission(header, delta, layout);
        assert.ok(
          bytes.length <= maxSubmissionBytes(bounds),
          `${bytes.length} > ${maxSubmissionBytes(bounds)}`,
        );
      },
    ),
    { numRuns: 30 },
  );
});

/** @file A scorer's program for real: the weights it asks for, the rows it asks for, and the losses of a small transformer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLossFunction, initParameters, modelLayout } from '@alice/model';
import {
  cutSnapshot,
  fromHalves,
  type HashHex,
  initCrypto,
  keyPairFromSecret,
  littleEndianBytes,
  type ScoringJob,
  sha256Hex,
  stateRoot,
  toHalves,
  toHex,
  type VersionManifest,
  versionMessage,
} from '@alice/protocol';
import { RemoteScorer } from './RemoteScorer.js';

const networkId: HashHex = `0x${'a'.repeat(64)}`;
const batchId: HashHex = `0x${'b'.repeat(64)}`;
const model = {
  ...{ name: 'small', layers: 1, width: 8, heads: 2, kvHeads: 1, ffn: 8, context: 4, vocab: 9 },
  ...{ ropeTheta: 1e4, normEps: 1e-5 },
};
const tokens = Uint16Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0);

test('a baseline is scored in the program with what it asks for, before and after it was closed', async () => {
  await initCrypto();
  const key = keyPairFromSecret('//Server');
  const layout = modelLayout(model);
  const halves = toHalves(initParameters(model, 'scorer'));
  const { index, parts } = cutSnapshot(littleEndianBytes(halves), 256);
  const blobs = new Map(parts.map((part) => [sha256Hex(part), part]));
  const unsigned = {
    ...{ version: 0, stateRoot: stateRoot(halves, layout), parentStateRoot: null, createdAtMs: 1 },
    ...{ snapshot: { ...index, chunks: [...index.chunks] }, setDelta: null, heldOutLossNats: null },
    ...{ standardErrorNats: null, trainedTokens: 0, uplinkBytes: 0, acceptedSubmissions: 0 },
  };
  const signature = toHex(key.sign(versionMessage(unsigned, networkId)));
  const manifest: VersionManifest = { ...unsigned, signature };
  const scorer = new RemoteScorer({
    blob: async ({ hash }) => blobs.get(hash as HashHex)!,
    version: async () => manifest,
    batch: async () => littleEndianBytes(tokens),
  });
  const job: ScoringJob = {
    ...{ jobId: 'j', kind: 'baseline', version: 0, stateRoot: manifest.stateRoot, batchId, rowLength: 3 },
    ...{ blob: null, stepFraction: 1, leaseUntilMs: 0 },
  };
  const lossFunction = await createLossFunction(model, { batch: 3, sequenceLength: 2, threads: 1 });
  const want = await lossFunction.run(fromHalves(halves), tokens);
  await lossFunction.dispose();
  for (let start = 0; start < 2; start++) {
    await scorer.open({ networkId, serverId: key.address, model, threads: 1 });
    const { lossesBefore, lossesAfter } = await scorer.score(job);
    for (const [row, loss] of want.entries()) assert.ok(Math.abs(lossesBefore[row]! - loss) < 1e-5);
    assert.deepEqual(lossesAfter, lossesBefore);
    await scorer.close();
  }
});

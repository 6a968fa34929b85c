/** @file Evidence for a receipt comes back from its folder as it was, weights as they are published; what is missing is named. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { initParameters, modelLayout, resolveModel } from '@alice/model';
import { errorCodeOf, fromHalves, toHalves } from '@alice/protocol';
import { type Evidence, isSaved, savedEvidence, saving } from './evidence.js';

const config = resolveModel('nano', {
  layers: 1,
  width: 8,
  heads: 1,
  kvHeads: 1,
  ffn: 8,
  context: 8,
  vocab: 16,
});
const published = fromHalves(toHalves(initParameters(config, 'evidence'), { saturate: true }));
const evidence: Evidence = {
  ...{ config, layout: modelLayout(config), serverId: 'server' },
  receipt: async () => ({ receipt: { submissionId: 'one' }, signature: '0x00' }),
  weights: async (version) => published.map((x) => x * version),
  blob: async () => Uint8Array.of(1, 2, 3),
};
const dir = mkdtempSync(join(tmpdir(), 'alice-evidence-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('what was used comes back without the server', async () => {
  const folder = join(dir, 'whole');
  assert.equal(isSaved(folder), false);
  const passed = saving(folder, evidence);
  const used = [
    await passed.receipt(),
    await passed.blob(),
    await passed.weights(1),
    await passed.weights(2),
  ];
  assert.equal(isSaved(folder), true);
  const saved = await savedEvidence(folder);
  assert.deepEqual(
    [await saved.receipt(), await saved.blob(), await saved.weights(1), await saved.weights(2)],
    used,
  );
  assert.deepEqual([saved.config, saved.layout, saved.serverId], [config, evidence.layout, 'server']);
});

test('what was never saved is refused by name', async () => {
  const folder = join(dir, 'part');
  await saving(folder, evidence).receipt();
  const saved = await savedEvidence(folder);
  const refused = (error: unknown) =>
    errorCodeOf(error) === 'OPTION_INVALID' && String(error).includes('weights-7.fp16');
  await assert.rejects(saved.weights(7), refused);
});

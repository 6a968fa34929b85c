/** @file Checking a receipt: one that holds holds in every point; whatever is changed, exactly that point fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  initCrypto,
  keyPairFromSeed,
  type Receipt,
  receiptMessage,
  type SignedReceipt,
  sha256Hex,
  toHex,
} from '@alice/protocol';
import { checkReceipt, type ReceiptSource } from './checkReceipt.js';

test('each point of a receipt is checked', async () => {
  await initCrypto();
  const key = keyPairFromSeed(new Uint8Array(32).fill(5));
  const bytes = Uint8Array.of(1, 2, 3);
  const root = `0x${'ab'.repeat(32)}`;
  const networkId = `0x${'01'.repeat(32)}`;
  const drawn = { batchId: root, seed: 's', rows: 4, meanLossBeforeNats: 5, meanLossAfterNats: 4.9 };
  const receipt = {
    ...{ format: 'alice-receipt-1', networkId, serverId: key.address, dataRoot: root, submissionId: 'one' },
    ...{ taskId: 't', address: key.address, instance: 'main', rewardAddress: key.address, round: 3 },
    ...{ baseVersion: 2, blob: { hash: sha256Hex(bytes), sizeBytes: 3 }, steps: 16, tokens: 4096 },
    ...{ outcome: 'accepted', code: null, mergedRound: 3, rowLength: 129, stepFraction: 0.25 },
    ...{
      looks: [{ version: 2, stateRoot: root, drawn }],
      gainNats: 0.1,
      standardErrorNats: 0.01,
      work: null,
    },
    ...{ verifiedTokens: 4096, score: '100' },
  } as Receipt;
  const signed: SignedReceipt = { receipt, signature: toHex(key.sign(receiptMessage(receipt))) };
  const source: ReceiptSource = {
    ...{ networkId, serverId: key.address },
    blob: async () => bytes,
    version: async () => ({ stateRoot: root }),
  };
  const states = async (s: SignedReceipt, from: Partial<ReceiptSource> = {}) =>
    (await checkReceipt(s, { ...source, ...from })).map(({ state }) => state);

  assert.deepEqual(await states(signed), ['holds', 'holds', 'holds', 'holds']);
  assert.deepEqual(await states({ ...signed, receipt: { ...receipt, score: '101' } }), [
    'holds',
    'fails',
    'holds',
    'holds',
  ]);
  assert.deepEqual(await states(signed, { serverId: 'a2other' }), ['fails', 'holds', 'holds', 'holds']);
  assert.deepEqual(await states(signed, { blob: async () => Uint8Array.of(1, 2, 4) }), [
    'holds',
    'holds',
    'fails',
    'holds',
  ]);
  assert.deepEqual(await states(signed, { version: async () => ({ stateRoot: networkId }) }), [
    'holds',
    'holds',
    'holds',
    'fails',
  ]);
  const gone = { blob: () => Promise.reject(new Error('no longer kept')) };
  assert.deepEqual(await states(signed, gone), ['holds', 'holds', 'unknown', 'holds']);
});

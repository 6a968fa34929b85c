/** @file Checking a receipt: one that holds holds in every point; whatever is changed, exactly that point fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initCrypto, keyPairFromSeed, type SignedReceipt } from '@alice/protocol';
import { EXAMPLE_BLOB, EXAMPLE_STATE_ROOT, exampleReceipt } from '../testing/exampleReceipt.js';
import { checkReceipt, type ReceiptSource } from './checkReceipt.js';

test('each point of a receipt is checked', async () => {
  await initCrypto();
  const key = keyPairFromSeed(new Uint8Array(32).fill(5));
  const networkId = `0x${'01'.repeat(32)}`;
  const signed = exampleReceipt(key, networkId);
  const { receipt } = signed;
  const source: ReceiptSource = {
    ...{ networkId, serverId: key.address },
    blob: async () => EXAMPLE_BLOB,
    version: async () => ({ stateRoot: EXAMPLE_STATE_ROOT }),
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

/** @file Checking a receipt: one that holds holds in every point; whatever is changed, exactly that point fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initCrypto, keyPairFromSeed, type SignedReceipt } from '@alice/protocol';
import {
  EXAMPLE_BLOB,
  EXAMPLE_STATE_ROOT,
  exampleInclusion,
  exampleReceipt,
} from '../testing/exampleReceipt.js';
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
    ...exampleInclusion(signed, 7),
  };
  const states = async (s: SignedReceipt, from: Partial<ReceiptSource> = {}) =>
    (await checkReceipt(s, { ...source, ...from })).map(({ state }) => state);

  const failing = (at: number) => HOLDS.map((state, i) => (i === at ? 'fails' : state));

  assert.deepEqual(await states(signed), HOLDS);
  const changed = { ...signed, receipt: { ...receipt, score: '101' } };
  assert.deepEqual(await states(changed), ['holds', 'fails', 'holds', 'holds', 'fails']);
  assert.deepEqual(await states(signed, { serverId: 'a2other' }), failing(0));
  assert.deepEqual(await states(signed, { blob: async () => Uint8Array.of(1, 2, 4) }), failing(2));
  assert.deepEqual(await states(signed, { version: async () => ({ stateRoot: networkId }) }), failing(3));
  assert.deepEqual(await states(signed, { settledRoot: async () => networkId }), failing(4));
  const unknown = (at: number) => HOLDS.map((state, i) => (i === at ? 'unknown' : state));
  const gone = () => Promise.reject(new Error('no longer kept'));
  assert.deepEqual(await states(signed, { blob: gone }), unknown(2));
  assert.deepEqual(await states(signed, { proof: gone }), unknown(4));
  assert.deepEqual(await states(signed, { epoch: null }), unknown(4));
});

const HOLDS = Array.from({ length: 5 }, () => 'holds');

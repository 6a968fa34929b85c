/** @file Checks that what the status tells of epochs stays bounded however many are paid. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, type EpochInfo, type Payout } from '@alice/protocol';
import { openDatabase } from '../database/Database.js';
import { copyDatabaseTemplate } from '../testing/databaseTemplate.js';
import { insertSettledEpoch, settledEpochs } from './epochs.js';

test('the newest epochs are told of whole, as many as the limits allow, and the newest always', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-epochs-'));
  await copyDatabaseTemplate(dir);
  const db = await openDatabase(dir);
  const epochs = [5, 3, 4].map((payees, index) => ({ info: epochOf(index), payouts: payoutsOf(payees) }));
  for (const { info, payouts } of epochs) await insertSettledEpoch(db, info, { payouts, nowMs: 0 });
  const told = async (limits: { epochs: number; payouts: number }) =>
    (await settledEpochs(db, limits)).map(({ settled, payouts }) => [settled.index, payouts.length]);
  assert.deepEqual(await told({ epochs: 9, payouts: 12 }), [
    [0, 5],
    [1, 3],
    [2, 4],
  ]);
  assert.deepEqual(await told({ epochs: 9, payouts: 11 }), [
    [1, 3],
    [2, 4],
  ]);
  assert.deepEqual(await told({ epochs: 9, payouts: 0 }), [[2, 4]]);
  assert.deepEqual(await told({ epochs: 1, payouts: 99 }), [[2, 4]]);
  await db.close();
  rmSync(dir, { recursive: true, force: true });
});

const epochOf = (index: number): EpochInfo => ({
  index,
  startedAtMs: index,
  endedAtMs: index + 1,
  heldOutLossNanoNats: 0n,
  stateRoot: '0x00',
  shardsCovered: 1,
  receiptsRoot: '0x00',
  fromVersion: index,
  toVersion: index + 1,
  mintedPlanck: 7n,
});

const PAYEE = addressOf(new Uint8Array(32).fill(7));

const payoutsOf = (payees: number): Payout[] =>
  Array.from({ length: payees }, () => ({
    address: PAYEE,
    role: 'training',
    scoreNanoNats: 1n,
    amountPlanck: 2n,
  }));

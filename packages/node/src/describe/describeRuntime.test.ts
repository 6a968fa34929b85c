/** @file The description of a runtime against declarations known by heart: nothing is lost, values are those of the constants. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { initCrypto, MAX_SUPPLY_PLANCK } from '@alice/protocol';
import { createRuntime } from '@alice/runtime';
import { describeRuntime } from './describeRuntime.js';

before(initCrypto);

test('pallets, calls, storage, events, errors, constants and types', () => {
  const { pallets, types } = describeRuntime(createRuntime().metadata(15));
  const named = (name: string) => pallets.find((pallet) => pallet.name === name)!;
  const { calls, events, errors } = named('Balances');
  const transfer = calls.find(({ name }) => name === 'transfer_keep_alive')!;
  assert.deepEqual(
    transfer.fields.map(({ name, type }) => `${name}: ${type}`),
    ['dest: MultiAddress<AccountId32, Compact<()>>', 'value: Compact<u128>'],
  );
  assert.match(events.map(({ name }) => name).join(), /Endowed,DustLost,Transfer/);
  assert.match(errors.find(({ name }) => name === 'InsufficientBalance')!.docs, /too low/);
  const gradient = named('ProofOfGradient');
  const { value, type } = gradient.constants.find(({ name }) => name === 'MaxSupply')!;
  assert.deepEqual([value, type], [String(MAX_SUPPLY_PLANCK), 'u128']);
  const paid = gradient.storage.find(({ name }) => name === 'PayoutPages')!;
  assert.deepEqual([paid.key, paid.value], ['(u32, u32)', 'Vec<Payout>']);
  const payout = types.find(({ name }) => name === 'Payout')!;
  assert.deepEqual(
    payout.fields.map((field) => `${field.name}: ${field.type}`),
    ['account: AccountId32', 'role: Role', 'score: u128', 'amount: u128'],
  );
  const roles = types.find(({ name }) => name === 'Role')!.cases.map(({ name }) => name);
  assert.deepEqual(roles, ['Training', 'Scoring', 'Infrastructure']);
});

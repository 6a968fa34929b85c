/** @file Sessions: who validates next, with which power, what consensus is told, keys, and validators that stay away. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { compareBytes, initCrypto, toHex } from '@alice/protocol';
import fc from 'fast-check';
import type { ValidatorUpdate } from '../../interface.js';
import { ALICE_UNIT, assertNoop, callOf, type TestChain } from '../../testing.js';
import { candidates } from '../staking/storage.js';
import {
  doubleVote,
  ledgerOf,
  setKeysCall,
  stakingCall,
  TEST_RULES,
  type TestValidator,
  testValidator,
  validatorChain,
} from '../staking/testValidators.js';
import { activeValidators } from './activeValidators.js';
import { powerOf, selectValidators, updatesBetween } from './selection.js';
import { activeSet, currentIndex, keyOwner, missed, retiredKeys, validators } from './storage.js';

before(initCrypto);

const SESSION = 5;
const rules = { ...TEST_RULES, session_blocks: SESSION };
const three = () => ['Va', 'Vb', 'Vc'].map(testValidator) as [TestValidator, TestValidator, TestValidator];

/** Blocks until the session ends; returns what the last one tells consensus. */
function endSession(chain: TestChain): readonly ValidatorUpdate[] | undefined {
  const index = currentIndex.get(chain.access);
  for (let i = 0; i < SESSION; i++) {
    const { validatorUpdates } = chain.build();
    if (currentIndex.get(chain.access) > index) return validatorUpdates;
  }
  throw new Error('the session did not end');
}

/** What CometBFT does with updates; refuses what it would refuse. */
function applyUpdates(set: Map<string, bigint>, updates: readonly ValidatorUpdate[]): void {
  const keys = updates.map(({ consensusKey }) => toHex(consensusKey));
  assert.equal(new Set(keys).size, keys.length, 'CometBFT refuses a key that is updated twice');
  for (const { consensusKey, power } of updates) {
    const key = toHex(consensusKey);
    if (power > 0n) set.set(key, power);
    else assert.ok(set.delete(key), 'CometBFT refuses to remove a validator that it does not have');
  }
  assert.ok(set.size > 0, 'CometBFT refuses an empty set');
}

const powers = (updates: readonly ValidatorUpdate[]): Map<string, bigint> =>
  new Map(updates.map(({ consensusKey, power }) => [toHex(consensusKey), power]));

describe('a session', () => {
  it('starts with the validators of genesis, bonded ones with their stake as power', () => {
    const chain = validatorChain(three(), { staking: rules });
    const expected = three().map(({ publicKey, consensusKey }) => ({
      account: publicKey,
      key: consensusKey,
      power: 1_000n,
    }));
    expected.sort((a, b) => compareBytes(a.account, b.account));
    assert.deepEqual(activeSet.get(chain.access), expected);
    assert.deepEqual(
      activeValidators(chain.view),
      expected.map(({ key, power }) => ({ consensusKey: key, power })),
    );
    assert.equal(endSession(chain), undefined);
    assert.equal(currentIndex.get(chain.access), 1);
    assert.deepEqual(chain.eventsNamed('Session', 'NewSession'), [{ session_index: 1 }]);
  });

  it('takes a new candidate at the next session, drops one that chilled, and follows the stake', () => {
    const [a, b, c] = three();
    const d = testValidator('Vd');
    const chain = validatorChain([a, b, c], { staking: rules, others: [d] });
    const consensus = powers(activeValidators(chain.view));
    chain.build([
      chain.sign(d, stakingCall('bond', { value: 300n * ALICE_UNIT, role: 'Validator' })),
      chain.sign(d, setKeysCall(d), { nonce: 1 }),
      chain.sign(d, stakingCall('validate'), { nonce: 2 }),
      chain.sign(a, stakingCall('chill')),
      chain.sign(b, stakingCall('bond_extra', { value: 5n * ALICE_UNIT })),
    ]);
    assert.equal(chain.eventsNamed('System', 'ExtrinsicFailed').length, 0);
    const updates = endSession(chain)!;
    applyUpdates(consensus, updates);
    assert.deepEqual(
      consensus,
      new Map([
        [toHex(b.consensusKey), 1_005n],
        [toHex(c.consensusKey), 1_000n],
        [toHex(d.consensusKey), 300n],
      ]),
    );
    assert.deepEqual(powers(activeValidators(chain.view)), consensus);
    const told = chain.runtime.call(
      chain.view,
      'AliceSessionApi_pending_validator_updates',
      new Uint8Array(),
    )!;
    assert.equal(told.length, 1 + 3 * 40);
    chain.build();
    const later = chain.runtime.call(
      chain.view,
      'AliceSessionApi_pending_validator_updates',
      new Uint8Array(),
    )!;
    assert.deepEqual([...later], [0]);
    assert.equal(
      toHex(validators.get(chain.access)[0]!),
      toHex([b, c, d].map((v) => v.publicKey).sort(compareBytes)[0]!),
    );
  });

  it('keeps the set while there are too few candidates, or nobody has told it the validators', () => {
    const [a, b, c] = three();
    const chain = validatorChain([a, b, c], { staking: { ...rules, minimum_validators: 3 } });
    chain.run(a, stakingCall('chill'));
    assert.equal(endSession(chain), undefined);
    assert.equal(activeSet.get(chain.access).length, 3);
    const unmanaged = validatorChain([], { staking: { ...rules, minimum_validators: 1 }, others: [a] });
    unmanaged.run(a, stakingCall('bond', { value: 300n * ALICE_UNIT, role: 'Validator' }));
    unmanaged.run(a, setKeysCall(a));
    unmanaged.run(a, stakingCall('validate'));
    assert.equal(endSession(unmanaged), undefined);
    assert.deepEqual(activeValidators(unmanaged.view), []);
  });
});

describe('session keys', () => {
  it('belong to one account, also after they were replaced', () => {
    const [a, b, c] = three();
    const chain = validatorChain([a, b, c], { staking: rules });
    const stolen = { ...b, consensusKey: a.consensusKey, signVote: a.signVote };
    assertNoop(chain, b, setKeysCall(stolen), 'Session.DuplicatedKey');
    const next = { ...testValidator('Vd'), publicKey: a.publicKey };
    assert.equal(chain.run(a, setKeysCall(next)), undefined);
    assert.deepEqual(keyOwner.get(chain.access, a.consensusAddress), a.publicKey);
    assert.deepEqual(keyOwner.get(chain.access, next.consensusAddress), a.publicKey);
    assertNoop(chain, b, setKeysCall(stolen), 'Session.DuplicatedKey');
    const consensus = powers(activeValidators(chain.view));
    applyUpdates(consensus, endSession(chain)!);
    assert.ok(consensus.has(toHex(next.consensusKey)) && !consensus.has(toHex(a.consensusKey)));
    chain.build([], 3_000n, doubleVote(a));
    assert.equal(chain.eventsNamed('Staking', 'SlashReported').length, 1, 'the old key still counts');
    assert.ok(ledgerOf(chain, a)!.jailed_until > chain.nowMs);
  });

  it('can be replaced a bounded number of times per unbonding period', () => {
    const [a, b, c] = three();
    const chain = validatorChain([a, b, c]);
    const key = (i: number) => ({ ...testValidator(`Key${i}`), publicKey: a.publicKey });
    for (let i = 0; i < 8; i++) assert.equal(chain.run(a, setKeysCall(key(i)), 1n), undefined);
    assert.equal(retiredKeys.get(chain.access, a.publicKey).length, 8);
    assert.equal(chain.run(a, setKeysCall(key(8)), 1n), 'Session.TooManyRetiredKeys');
    assertNoop(chain, a, callOf('Session', 'purge_keys', {}), 'Session.KeyInUse');
    chain.build([], TEST_RULES.unbonding_ms);
    assert.equal(chain.run(a, setKeysCall(key(8))), undefined);
    assert.equal(retiredKeys.get(chain.access, a.publicKey).length, 1);
  });
});

describe('validators that stay away', () => {
  it('are counted, chilled and slashed a thousandth when the session ends', () => {
    const all = [...three(), testValidator('Vd')];
    const [a, b] = all as [TestValidator, TestValidator];
    const chain = validatorChain(all, { staking: { ...rules, slash_defer_ms: 0n } });
    const absent = [a.consensusAddress, a.consensusAddress, testValidator('Nobody').consensusAddress];
    for (let i = 0; i < 3; i++) chain.build([], 3_000n, { evidence: [], absent });
    chain.build([], 3_000n, { evidence: [], absent: [b.consensusAddress] });
    assert.deepEqual(
      missed
        .get(chain.access)
        .map(({ count }) => count)
        .sort(),
      [1, 3],
    );
    const { validatorUpdates } = chain.build();
    assert.deepEqual(validatorUpdates, [{ consensusKey: a.consensusKey, power: 0n }]);
    assert.deepEqual(chain.eventsNamed('Session', 'Absent'), [{ account: a.publicKey, missed: 3 }]);
    chain.build();
    assert.equal(ledgerOf(chain, a)!.active, 999n * ALICE_UNIT);
    assert.equal(ledgerOf(chain, b)!.active, 1_000n * ALICE_UNIT);
    assert.equal(candidates.get(chain.access).length, 3);
    assert.deepEqual(missed.get(chain.access), []);
    assert.equal(chain.run(a, stakingCall('validate')), undefined);
  });

  it('are never more than a third of the set', () => {
    const all = [...three(), testValidator('Vd')];
    const chain = validatorChain(all, { staking: rules });
    const absent = all.map(({ consensusAddress }) => consensusAddress);
    for (let i = 0; i < 4; i++) chain.build([], 3_000n, { evidence: [], absent });
    assert.equal(endSession(chain)!.length, 1);
  });
});

describe('selection', () => {
  const contender = fc.record({
    account: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    stake: fc.bigInt({ min: 0n, max: 5n * ALICE_UNIT }),
  });
  const distinct = fc.uniqueArray(contender, { selector: ({ account }) => toHex(account), maxLength: 12 });

  it('is a function of the set, not of its order, and leaves nobody out who has more', () => {
    fc.assert(
      fc.property(distinct, fc.nat(12), (all, seats) => {
        const chosen = selectValidators(all, seats);
        assert.deepEqual(selectValidators([...all].reverse(), seats), chosen);
        assert.equal(chosen.length, Math.min(seats, all.length));
        const isIn = (account: Uint8Array) => chosen.some((other) => toHex(other.account) === toHex(account));
        const least = all
          .filter(({ account }) => isIn(account))
          .reduce((low, { stake }) => (stake < low ? stake : low), 1n << 90n);
        for (const { account, stake } of all) if (!isIn(account) && seats > 0) assert.ok(stake <= least);
        for (const { power } of chosen) assert.ok(power >= 1n);
      }),
    );
    assert.equal(powerOf(2n * ALICE_UNIT - 1n), 1n);
  });

  it('gives updates that lead from any set to any other', () => {
    const unique = fc.uniqueArray(contender, {
      selector: ({ key }) => toHex(key),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(unique, fc.func(fc.nat(3)), unique, (first, mix, second) => {
        const before = selectValidators(first, 8);
        const kept = before
          .filter(({ key }) => mix(toHex(key)) > 0)
          .map((v) => ({ ...v, power: v.power + BigInt(mix(toHex(v.key)) - 1) }));
        const fresh = selectValidators(second, 8).filter(
          ({ key }) => !before.some((v) => toHex(v.key) === toHex(key)),
        );
        const after = [...kept, ...fresh];
        fc.pre(after.length > 0);
        const consensus = new Map(before.map(({ key, power }) => [toHex(key), power]));
        applyUpdates(
          consensus,
          updatesBetween(before, after).map(({ key, power }) => ({ consensusKey: key, power })),
        );
        assert.deepEqual(
          new Map([...consensus].sort()),
          new Map(
            after
              .map(({ key, power }) => [toHex(key), power] as const)
              .sort((a, b) => (a[0] < b[0] ? -1 : 1)),
          ),
        );
      }),
    );
  });
});

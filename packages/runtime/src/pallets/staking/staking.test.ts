/** @file Bonds: what they hold, when they come back, what they refuse without a trace. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { ALICE_UNIT, assertNoop, type TestChain, transferTo } from '../../testing.js';
import { timeOf } from '../../weights/timeOf.js';
import { holds } from '../balances/storage.js';
import { feeOf } from '../transactionPayment/fees.js';
import { candidates } from './storage.js';
import {
  ledgerOf,
  setKeysCall,
  stakingCall,
  TEST_RULES,
  type TestValidator,
  testValidator,
  UNBONDING_MS,
  validatorChain,
} from './testValidators.js';

before(initCrypto);

const bondCall = (alice: bigint, role = 'Validator') =>
  stakingCall('bond', { value: alice * ALICE_UNIT, role });
const withVal = (): { chain: TestChain; val: TestValidator } => {
  const val = testValidator('Val');
  return { chain: validatorChain([], { others: [val] }), val };
};

describe('bond', () => {
  it('holds exactly the amount, in one hold, and issuance stays', () => {
    const { chain, val } = withVal();
    const issuance = chain.issuance;
    const before = chain.free(val);
    const extrinsic = chain.sign(val, bondCall(500n));
    chain.build([extrinsic]);
    const fee = before - chain.free(val) - 500n * ALICE_UNIT;
    assert.ok(fee > 0n && fee < ALICE_UNIT);
    assert.equal(chain.account(val).data.reserved, 500n * ALICE_UNIT);
    assert.deepEqual(holds.get(chain.access, val.publicKey), [
      { id: { type: 'Staking', value: 'Bond' }, amount: 500n * ALICE_UNIT },
    ]);
    assert.equal(chain.issuance, issuance);
    assert.deepEqual(chain.eventsNamed('Staking', 'Bonded'), [
      { stash: val.publicKey, role: 'Validator', amount: 500n * ALICE_UNIT },
    ]);
    assert.equal(chain.run(val, stakingCall('bond_extra', { value: 1n })), undefined);
    assert.equal(ledgerOf(chain, val)!.active, 500n * ALICE_UNIT + 1n);
  });

  it('refuses too little, too much, twice, and nothing', () => {
    const { chain, val } = withVal();
    assertNoop(chain, val, bondCall(99n), 'Staking.InsufficientBond');
    assertNoop(chain, val, bondCall(199n, 'ParameterServer'), 'Staking.InsufficientBond');
    assertNoop(chain, val, bondCall(10_000n), 'Staking.InsufficientBalance');
    assertNoop(chain, val, stakingCall('bond_extra', { value: 1n }), 'Staking.NotBonded');
    assertNoop(chain, val, stakingCall('unbond', { value: 1n }), 'Staking.NotBonded');
    assertNoop(chain, val, stakingCall('withdraw_unbonded'), 'Staking.NotBonded');
    assert.equal(chain.run(val, bondCall(200n, 'ParameterServer')), undefined);
    assertNoop(chain, val, bondCall(200n), 'Staking.AlreadyBonded');
    assertNoop(chain, val, stakingCall('bond_extra', { value: 0n }), 'Staking.AmountZero');
    assertNoop(chain, val, stakingCall('validate'), 'Staking.WrongRole');
  });

  it('keeps bonded money from being sent, and the account open', () => {
    const { chain, val } = withVal();
    assert.equal(chain.run(val, bondCall(9_000n)), undefined);
    const { alice } = chain.people;
    assertNoop(chain, val, transferTo(alice, 1_000n * ALICE_UNIT), 'Balances.InsufficientBalance');
    const draft = chain.sign(val, transferTo(alice, 999n * ALICE_UNIT));
    const all = chain.free(val) - feeOf(draft.length, timeOf('Balances.transfer_allow_death'));
    assertNoop(chain, val, transferTo(alice, all), 'Balances.Expendability');
  });
});

describe('unbond', () => {
  it('gives the money back after the unbonding period, to the planck, and forgets the empty bond', () => {
    const { chain, val } = withVal();
    chain.run(val, bondCall(500n));
    assertNoop(chain, val, stakingCall('unbond', { value: 450n * ALICE_UNIT }), 'Staking.InsufficientBond');
    assert.equal(chain.run(val, stakingCall('unbond', { value: 100n * ALICE_UNIT })), undefined);
    const first = chain.nowMs + UNBONDING_MS;
    assert.equal(chain.run(val, stakingCall('unbond', { value: 1n << 90n })), undefined);
    const second = chain.nowMs + UNBONDING_MS;
    assert.deepEqual(ledgerOf(chain, val)!.unlocking, [
      { value: 100n * ALICE_UNIT, at: first },
      { value: 400n * ALICE_UNIT, at: second },
    ]);
    assertNoop(chain, val, stakingCall('withdraw_unbonded'), 'Staking.NothingToWithdraw');
    chain.build([], first - chain.nowMs - 1n);
    assertNoop(chain, val, stakingCall('unbond', { value: 1n }), 'Staking.AmountZero');
    const before = chain.free(val);
    const length = chain.sign(val, stakingCall('withdraw_unbonded')).length;
    assert.ok(chain.nowMs + 3_000n >= second && second > first);
    assert.equal(chain.run(val, stakingCall('withdraw_unbonded')), undefined);
    assert.equal(
      chain.free(val),
      before + 500n * ALICE_UNIT - feeOf(length, timeOf('Staking.withdraw_unbonded')),
    );
    assert.equal(ledgerOf(chain, val), undefined);
    assert.equal(chain.account(val).data.reserved, 0n);
    assert.deepEqual(holds.get(chain.access, val.publicKey), []);
  });

  it('takes a bounded number of amounts at a time and merges those of one block', () => {
    const { chain, val } = withVal();
    chain.run(val, bondCall(500n));
    for (let i = 0; i < 32; i++) chain.run(val, stakingCall('unbond', { value: 1n }));
    assert.equal(ledgerOf(chain, val)!.unlocking.length, 32);
    assertNoop(chain, val, stakingCall('unbond', { value: 1n }), 'Staking.NoMoreChunks');
  });
});

describe('validate', () => {
  it('needs a bond and a proven key; chilling and unbonding follow in order', () => {
    const { chain, val } = withVal();
    const thief = testValidator('Thief');
    assertNoop(chain, val, stakingCall('validate'), 'Staking.NotBonded');
    assertNoop(chain, val, setKeysCall(val), 'Session.NoAssociatedValidatorId');
    chain.run(val, bondCall(500n));
    assertNoop(chain, val, stakingCall('validate'), 'Staking.NoKeys');
    assertNoop(chain, val, setKeysCall(val, thief.signVote(new Uint8Array(3))), 'Session.InvalidProof');
    assertNoop(chain, val, setKeysCall(val, new Uint8Array(64)), 'Session.InvalidProof');
    assert.equal(chain.run(val, setKeysCall(val)), undefined);
    assert.equal(chain.run(val, stakingCall('validate')), undefined);
    assertNoop(chain, val, stakingCall('validate'), 'Staking.AlreadyCandidate');
    assert.deepEqual(candidates.get(chain.access), [val.publicKey]);
    assertNoop(chain, val, stakingCall('unbond', { value: 401n * ALICE_UNIT }), 'Staking.InsufficientBond');
    assertNoop(chain, val, stakingCall('unbond', { value: 1n << 90n }), 'Staking.InsufficientBond');
    assert.equal(chain.run(val, stakingCall('chill')), undefined);
    assertNoop(chain, val, stakingCall('chill'), 'Staking.NotCandidate');
    assert.equal(chain.run(val, stakingCall('unbond', { value: 1n << 90n })), undefined);
    assertNoop(chain, val, stakingCall('validate'), 'Staking.InsufficientBond');
  });

  it('refuses root and block calls to everyone', () => {
    const { chain, val } = withVal();
    for (const call of [
      stakingCall('cancel_deferred_slash', { ids: [0] }),
      stakingCall('slash', { stash: val.publicKey, share: 1, reporter: undefined }),
      stakingCall('set_rules', {
        rules: { ...TEST_RULES, max_validators: 4, reporter_share: 0, downtime_limit: 0, downtime_slash: 0 },
      }),
    ])
      assertNoop(chain, val, call, 'BadOrigin');
    const inherent = stakingCall('report_evidence', { evidence: [], proposer: undefined });
    const { dropped } = chain.build([chain.sign(val, inherent)]);
    assert.deepEqual(
      dropped.map(({ reason }) => reason),
      ['BadMandatory'],
    );
  });
});

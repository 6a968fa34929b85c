/** @file Evidence: removal and jail at once, the slash later, exactly and once; nothing is made or lost. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto } from '@alice/protocol';
import fc from 'fast-check';
import { ALICE_UNIT, assertNoop, type TestChain } from '../../testing.js';
import { activeSet } from '../session/storage.js';
import { TREASURY } from '../treasury/pots.js';
import { equivocationShare } from './offences.js';
import { pendingSlashes } from './storage.js';
import {
  DEFER_MS,
  doubleVote,
  ledgerOf,
  setKeysCall,
  stakingCall,
  testValidator,
  UNBONDING_MS,
  validatorChain,
} from './testValidators.js';

before(initCrypto);

const names = ['Va', 'Vb', 'Vc', 'Vd'];
const four = () => names.map(testValidator);
const treasury = (chain: TestChain): bigint => chain.free({ publicKey: TREASURY });
const passTime = (chain: TestChain, ms: bigint) => chain.build([], ms);

describe('evidence', () => {
  it('removes and jails at once and slashes after the delay: a tenth to the reporter, the rest to the treasury', () => {
    const validators = four();
    const [a, b] = validators as [ReturnType<typeof testValidator>, ReturnType<typeof testValidator>];
    const chain = validatorChain(validators);
    const issuance = chain.issuance;
    const before = { b: chain.free(b) };
    const { validatorUpdates, extrinsics } = chain.build([], 3_000n, doubleVote(a, 7n, b));
    assert.equal(extrinsics.length, 2);
    assert.deepEqual(validatorUpdates, [{ consensusKey: a.consensusKey, power: 0n }]);
    assert.equal(activeSet.get(chain.access).length, 3);
    const stake = 1_000n * ALICE_UNIT;
    assert.equal(ledgerOf(chain, a)!.total, stake);
    const appliesAt = chain.nowMs + DEFER_MS;
    const slashed = (stake * 562_500_000n) / 1_000_000_000n;
    assert.deepEqual(chain.eventsNamed('Staking', 'SlashReported'), [
      { id: 0, stash: a.publicKey, kind: 'DuplicateVote', amount: slashed, applies_at: appliesAt },
    ]);
    passTime(chain, DEFER_MS - 1n);
    assert.equal(ledgerOf(chain, a)!.total, stake);
    passTime(chain, 1n);
    assert.equal(ledgerOf(chain, a)!.total, stake - slashed);
    assert.equal(chain.account(a).data.reserved, stake - slashed);
    assert.equal(chain.free(b) - before.b, slashed / 10n);
    assert.equal(treasury(chain), slashed - slashed / 10n);
    assert.equal(chain.issuance, issuance);
    assert.deepEqual(pendingSlashes.get(chain.access), []);
    assertNoop(chain, a, stakingCall('validate'), 'Staking.Jailed');
    passTime(chain, UNBONDING_MS);
    assert.equal(chain.run(a, stakingCall('validate')), undefined);
  });

  it('counts the same evidence once, and only the worst of a session', () => {
    const validators = four();
    const [a] = validators as [ReturnType<typeof testValidator>];
    const chain = validatorChain(validators);
    chain.build([], 3_000n, doubleVote(a));
    const known = pendingSlashes.get(chain.access);
    assert.equal(known.length, 1);
    chain.build([], 3_000n, doubleVote(a));
    assert.equal(chain.eventsNamed('Staking', 'EvidenceIgnored').length, 1);
    chain.build([], 3_000n, doubleVote(a, 8n));
    assert.deepEqual(pendingSlashes.get(chain.access), known);
    chain.build([], 3_000n, doubleVote(testValidator('Nobody')));
    assert.equal(chain.eventsNamed('Staking', 'EvidenceIgnored').length, 1);
  });

  it('raises earlier slashes when more validators equivocate in the session', () => {
    const validators = four();
    const [a, b] = validators as [ReturnType<typeof testValidator>, ReturnType<typeof testValidator>];
    const chain = validatorChain(validators);
    chain.build([], 3_000n, doubleVote(a));
    chain.build([], 3_000n, doubleVote(b));
    assert.equal(chain.eventsNamed('Staking', 'SlashRaised').length, 1);
    passTime(chain, DEFER_MS);
    assert.equal(ledgerOf(chain, a), undefined, 'two of four: everything is lost');
    assert.equal(ledgerOf(chain, b), undefined);
    assert.equal(treasury(chain), 2_000n * ALICE_UNIT);
    assert.equal(chain.account(a).data.reserved, 0n);
  });

  it('never removes the last validator, and pays no reward to the offender itself', () => {
    const only = testValidator('Only');
    const chain = validatorChain([only]);
    const { validatorUpdates } = chain.build([], 3_000n, doubleVote(only, 7n, only));
    assert.equal(validatorUpdates, undefined);
    assert.equal(activeSet.get(chain.access).length, 1);
    passTime(chain, DEFER_MS);
    assert.equal(treasury(chain), 1_000n * ALICE_UNIT);
  });

  it('reaches what is unbonding, but not what has finished; nothing can be withdrawn while a slash waits', () => {
    const validators = four();
    const [a, b, c] = validators as ReturnType<typeof testValidator>[];
    const chain = validatorChain(validators);
    chain.run(a!, stakingCall('unbond', { value: 400n * ALICE_UNIT }));
    passTime(chain, UNBONDING_MS);
    chain.run(a!, stakingCall('unbond', { value: 300n * ALICE_UNIT }));
    // All four equivocate: everything that can be slashed is.
    for (const other of [b!, c!, validators[3]!]) chain.build([], 1n, doubleVote(other));
    chain.build([], 1n, doubleVote(a!));
    assertNoop(chain, a!, stakingCall('withdraw_unbonded'), 'Staking.SlashPending');
    passTime(chain, DEFER_MS);
    assert.equal(ledgerOf(chain, a!)!.total, 400n * ALICE_UNIT);
    assert.equal(ledgerOf(chain, a!)!.active, 0n);
    assert.equal(chain.run(a!, stakingCall('withdraw_unbonded')), undefined);
    assert.equal(ledgerOf(chain, a!), undefined);
  });
});

describe('equivocationShare', () => {
  it('is min((3x/n)², 1): small alone in a large set, everything from a third on', () => {
    assert.equal(equivocationShare(1, 100), 900_000);
    assert.equal(equivocationShare(1, 4), 562_500_000);
    assert.equal(equivocationShare(1, 3), 1_000_000_000);
    assert.equal(equivocationShare(34, 100), 1_000_000_000);
    assert.equal(equivocationShare(1, 0), 1_000_000_000);
  });
});

describe('any sequence of bonds, offences and time', () => {
  // After every block TestChain checks all invariants: bonds add up and are held, issuance is the sum of balances.
  const action = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom(
      'bond',
      'bond_extra',
      'unbond',
      'withdraw_unbonded',
      'validate',
      'chill',
      'keys',
      'evidence',
      'absent',
    ),
    alice: fc.bigInt({ min: 0n, max: 2_000n }),
    ms: fc.constantFrom(1n, 3_000n, DEFER_MS, UNBONDING_MS),
  });

  it('keeps issuance and every invariant', () => {
    const validators = four();
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
        const chain = validatorChain(validators);
        const issuance = chain.issuance;
        let height = 0n;
        for (const { who, what, alice, ms } of actions) {
          const actor = validators[who]!;
          height++;
          if (what === 'evidence') chain.build([], ms, doubleVote(actor, height, validators[(who + 1) % 4]!));
          else if (what === 'absent') chain.build([], ms, { evidence: [], absent: [actor.consensusAddress] });
          else if (what === 'keys') chain.run(actor, setKeysCall(actor), ms);
          else chain.run(actor, stakingCall(what, { value: alice * ALICE_UNIT, role: 'Validator' }), ms);
          assert.ok(activeSet.get(chain.access).length > 0);
        }
        assert.equal(chain.issuance, issuance);
      }),
      { numRuns: 25 },
    );
  });
});

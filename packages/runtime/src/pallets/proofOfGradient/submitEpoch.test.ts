/** @file Epoch settlement on a chain: exact payouts, refusals without a trace, and what an empty epoch leaves. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { compareBytes, initCrypto, type KeyPair, MAX_SUPPLY_PLANCK, toHex } from '@alice/protocol';
import fc from 'fast-check';
import { u128 } from '../../scale/primitives.js';
import { encode } from '../../scale/ScaleType.js';
import { Overlay } from '../../storage/Overlay.js';
import { ALICE_UNIT, assertNoop, GENESIS_MS, reportOf, TestChain, transferTo } from '../../testing.js';
import { totalIssuance } from '../balances/storage.js';
import { account } from '../system/storage.js';
import { accountInfo } from '../system/types.js';
import { emittedBy, HALVING_PERIOD_MS } from './emission.js';
import { MAX_SCORES } from './limits.js';
import { contributions, currentEpoch, epochs, lastSettledAt, payouts } from './storage.js';
import type { Role } from './types.js';

before(initCrypto);

const entry = ({ publicKey }: Pick<KeyPair, 'publicKey'>, role: Role, score: bigint) => ({
  account: publicKey,
  role,
  score,
});
const HOUR_MS = 3_600_000n;
const byAccount = (people: readonly KeyPair[]) =>
  [...people].sort((a, b) => compareBytes(a.publicKey, b.publicKey));

function allRoles(chain: TestChain) {
  const [first, second] = byAccount([chain.people.alice, chain.people.carol]);
  return [
    entry(first!, 'Training', 2_000_000_000n),
    entry(second!, 'Training', 1_000_000_000n),
    entry(chain.people.bob, 'Scoring', 5n),
    entry(chain.people.server, 'Infrastructure', 1n),
  ];
}

describe('submit_epoch', () => {
  it('mints the schedule for the time and pays it by role and score, to the planck', () => {
    const chain = new TestChain();
    const { server } = chain.people;
    const scores = allRoles(chain);
    const before = chain.issuance;
    const freeBefore = scores.map(({ account: who }) => chain.free({ publicKey: who }));
    assert.equal(chain.run(server, reportOf(0, scores), HOUR_MS), undefined);

    const reward = emittedBy(GENESIS_MS, GENESIS_MS + HOUR_MS);
    assert.equal(reward, 599_315_068_493_150n); // 5,250,000 ALICE / 8760 h
    const training = (reward * 8_900n) / 10_000n;
    const upToScoring = (reward * 9_500n) / 10_000n;
    // Exact thirds of `training`: the largest remainder goes to the second (…·1/3), or the first (…·2/3).
    const amounts = [training - training / 3n - (training % 3n === 1n ? 0n : training % 3n === 2n ? 1n : 0n)];
    amounts.push(training - amounts[0]!, upToScoring - training, reward - upToScoring);
    assert.deepEqual(
      payouts.get(chain.access, 0)!.map(({ amount }) => amount),
      amounts,
    );
    assert.equal(chain.issuance - before, reward);
    scores.forEach(({ account: who }, i) => {
      assert.equal(chain.free({ publicKey: who }), freeBefore[i]! + amounts[i]!, `entry ${i}`);
    });
    assert.deepEqual(chain.eventsNamed('ProofOfGradient', 'EpochSettled'), [
      { epoch: 0, minted: reward, payouts: 4 },
    ]);
    assert.deepEqual(
      chain.eventsNamed('ProofOfGradient', 'Rewarded'),
      scores.map((score, i) => ({ epoch: 0, ...score, amount: amounts[i]! })),
    );
    const info = epochs.get(chain.access, 0)!;
    assert.deepEqual(
      [info.index, info.started_at, info.ended_at, info.minted, info.held_out_loss],
      [0, GENESIS_MS, GENESIS_MS + HOUR_MS, reward, 10_825_000_000n],
    );
    assert.equal(currentEpoch.get(chain.access), 1);
    assert.equal(lastSettledAt.get(chain.access), GENESIS_MS + HOUR_MS);
  });

  it('costs nothing but the tip when it succeeds', () => {
    const chain = new TestChain();
    const { server, alice, collector } = chain.people;
    const extrinsic = chain.sign(server, reportOf(0, [entry(alice, 'Training', 1n)]), { tip: 9n });
    const before = chain.free(server);
    chain.build([extrinsic]);
    assert.equal(chain.free(server), before - 9n);
    assert.equal(chain.free(collector), 9n);
  });

  it('works where the parameter server also collects the fees', () => {
    const { server, alice, bob } = new TestChain().people;
    const chain = new TestChain({ feeCollector: server.publicKey });
    const before = chain.free(server);
    assert.equal(chain.run(alice, transferTo(bob, ALICE_UNIT)), undefined);
    assert.ok(chain.free(server) > before, 'the fee did not arrive');
    const withFee = chain.free(server);
    assert.equal(chain.run(server, reportOf(0, [entry(alice, 'Training', 1n)])), undefined);
    assert.equal(chain.free(server), withFee);
    assert.equal(chain.run(server, reportOf(0, [])), 'ProofOfGradient.EpochAlreadySettled');
    assert.equal(chain.free(server), withFee, 'its own fee comes back to it');
  });

  it('leaves the part of a role without a positive score unminted', () => {
    const chain = new TestChain();
    const { server, alice, bob } = chain.people;
    const before = chain.issuance;
    chain.run(server, reportOf(0, [entry(alice, 'Training', 3n), entry(bob, 'Scoring', 0n)]), HOUR_MS);
    const reward = emittedBy(GENESIS_MS, GENESIS_MS + HOUR_MS);
    assert.equal(chain.issuance - before, (reward * 8_900n) / 10_000n);
  });

  it('mints nothing without a positive training score and leaves the time to the next epoch', () => {
    const chain = new TestChain();
    const { server, alice, bob } = chain.people;
    const before = chain.issuance;
    assert.equal(
      chain.run(server, reportOf(0, [entry(alice, 'Training', 0n), entry(bob, 'Scoring', 7n)]), HOUR_MS),
      undefined,
    );
    assert.equal(chain.run(server, reportOf(1, []), HOUR_MS), undefined);
    assert.equal(chain.issuance, before);
    assert.equal(epochs.get(chain.access, 0)!.minted, 0n);
    assert.deepEqual(
      payouts.get(chain.access, 0)!.map(({ amount }) => amount),
      [0n, 0n],
    );
    assert.equal(lastSettledAt.get(chain.access), GENESIS_MS);
    chain.run(server, reportOf(2, allRoles(chain)), HOUR_MS);
    assert.equal(chain.issuance - before, emittedBy(GENESIS_MS, GENESIS_MS + 3n * HOUR_MS));
    assert.equal(epochs.get(chain.access, 2)!.started_at, GENESIS_MS);
  });

  it('settles an epoch once: sending it again, or another one, changes nothing', () => {
    const chain = new TestChain();
    const { server, alice } = chain.people;
    const report = reportOf(0, [entry(alice, 'Training', 1n)]);
    assert.equal(chain.run(server, report, HOUR_MS), undefined);
    assertNoop(chain, server, report, 'ProofOfGradient.EpochAlreadySettled');
    assertNoop(
      chain,
      server,
      reportOf(0, [entry(alice, 'Training', 9n)]),
      'ProofOfGradient.EpochAlreadySettled',
    );
    assertNoop(chain, server, reportOf(2, [entry(alice, 'Training', 1n)]), 'ProofOfGradient.EpochOutOfOrder');
  });

  it('listens to the parameter server only', () => {
    const chain = new TestChain();
    const { alice } = chain.people;
    assertNoop(
      chain,
      alice,
      reportOf(0, [entry(alice, 'Training', 1n)]),
      'ProofOfGradient.NotParameterServer',
    );
  });

  it('refuses entries that are unordered, repeated, too large or too many, and a backward version range', () => {
    const chain = new TestChain();
    const { server, alice, bob, carol } = chain.people;
    const [first, second] = byAccount([alice, bob]);
    const cases: readonly [string, readonly object[], object?][] = [
      ['ScoresNotAscending', [entry(second!, 'Training', 1n), entry(first!, 'Training', 1n)]],
      ['ScoresNotAscending', [entry(carol, 'Scoring', 1n), entry(carol, 'Training', 1n)]],
      ['DuplicateScore', [entry(alice, 'Training', 1n), entry(alice, 'Training', 2n)]],
      ['ScoreTooLarge', [entry(alice, 'Training', 1n << 96n)]],
      ['VersionRangeInvalid', [entry(alice, 'Training', 1n)], { from_version: 2, to_version: 1 }],
      ['TooManyScores', manyEntries(MAX_SCORES + 1)],
    ];
    for (const [error, scores, facts] of cases)
      assertNoop(chain, server, reportOf(0, scores, facts), `ProofOfGradient.${error}`);
  });

  it('settles the largest allowed report and still sums exactly', () => {
    const chain = new TestChain();
    const extrinsics = [chain.sign(chain.people.server, reportOf(0, manyEntries(MAX_SCORES)))];
    const input = { number: 1, parentHash: chain.hashes[0]!, timestampMs: GENESIS_MS + HOUR_MS, extrinsics };
    const { changes, results } = chain.runtime.buildBlock(chain.view, input);
    assert.equal(results[1]?.error, undefined);
    const state = new Overlay({ get: (key) => changes.get(toHex(key)) ?? undefined });
    const reward = emittedBy(GENESIS_MS, GENESIS_MS + HOUR_MS);
    const paid = payouts.get(state, 0)!;
    assert.equal(paid.length, MAX_SCORES);
    assert.equal(
      paid.reduce((sum, { amount }) => sum + amount, 0n),
      (reward * 8_900n) / 10_000n,
    );
    assert.equal(totalIssuance.get(state) - chain.issuance, (reward * 8_900n) / 10_000n);
  });

  it('records what each account contributed: training scores, epochs and pay', () => {
    const chain = new TestChain();
    const { server, alice } = chain.people;
    const both = [entry(alice, 'Training', 30n), entry(alice, 'Scoring', 4n)];
    chain.run(server, reportOf(0, both), HOUR_MS);
    chain.run(server, reportOf(1, [entry(server, 'Training', 1n)]), HOUR_MS);
    chain.run(server, reportOf(2, [entry(alice, 'Training', 12n)]), HOUR_MS);
    const own = contributions.get(chain.access, alice.publicKey)!;
    assert.deepEqual([own.cumulative_score, own.first_epoch, own.last_epoch, own.epochs], [42n, 0, 2, 2]);
    assert.equal(own.total_paid, chain.free(alice) - 1_000n * ALICE_UNIT);
  });

  it('gives a payout too small to open an account to the fee collector, and the sums still hold', () => {
    const chain = new TestChain();
    const { server, alice, carol, collector } = chain.people;
    const scores = byAccount([alice, carol]).map((who) =>
      entry(who, 'Training', who === alice ? 10n ** 20n : 1n),
    );
    chain.run(server, reportOf(0, scores), 3_000n);
    const small = payouts.get(chain.access, 0)!.find(({ score }) => score === 1n)!.amount;
    assert.ok(small < 500n);
    assert.equal(chain.free(carol), 0n);
    assert.equal(chain.free(collector), small);
  });

  it('never mints past the cap', () => {
    const chain = new TestChain();
    const { server, alice } = chain.people;
    const richest = MAX_SUPPLY_PLANCK - 2_000n * ALICE_UNIT - 12_345n;
    const info = chain.account(alice);
    const data = { ...info.data, free: richest };
    chain.state.set(account.keyOf(alice.publicKey).hex, encode(accountInfo, { ...info, data }));
    chain.state.set(totalIssuance.prefix().hex, encode(u128, MAX_SUPPLY_PLANCK - 12_345n));
    chain.run(server, reportOf(0, allRoles(chain)), HOUR_MS);
    assert.equal(chain.issuance, MAX_SUPPLY_PLANCK);
    chain.run(server, reportOf(1, allRoles(chain)), HOUR_MS);
    assert.equal(chain.issuance, MAX_SUPPLY_PLANCK);
  });

  it('halves inside an epoch exactly', () => {
    const chain = new TestChain();
    const { server } = chain.people;
    chain.run(server, reportOf(0, allRoles(chain)), HALVING_PERIOD_MS - HOUR_MS);
    chain.run(server, reportOf(1, allRoles(chain)), 2n * HOUR_MS);
    const { minted } = epochs.get(chain.access, 1)!;
    const whole = emittedBy(0n, HALVING_PERIOD_MS);
    assert.equal(
      minted,
      whole - emittedBy(0n, HALVING_PERIOD_MS - HOUR_MS) + ((whole / 2n) * HOUR_MS) / HALVING_PERIOD_MS,
    );
  });

  it('however epochs divide the time, they mint together what one epoch would', () => {
    const gaps = fc.array(fc.bigInt({ min: 1n, max: 40_000_000_000n }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(gaps, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), (elapsed, trains) => {
        const chain = new TestChain();
        const before = chain.issuance;
        const full = allRoles(chain);
        const last = elapsed.length - 1;
        elapsed.forEach((gap, i) => {
          const scores = i === last || trains[i] ? full : full.slice(2);
          assert.equal(chain.run(chain.people.server, reportOf(i, scores), gap), undefined);
        });
        assert.equal(chain.issuance - before, emittedBy(GENESIS_MS, chain.nowMs));
      }),
      { numRuns: 15 },
    );
  });
});

function manyEntries(count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const publicKey = new Uint8Array(32).fill(1);
    new DataView(publicKey.buffer).setUint32(0, i + 1);
    return entry({ publicKey }, 'Training', BigInt(i % 97) + 1n);
  });
}

/** @file Epochs in pages: the same money whatever the pages, bounded blocks, safe to repeat, and who decides about rewards. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto, MAX_SUPPLY_PLANCK, toHex } from '@alice/protocol';
import fc from 'fast-check';
import { ZERO_HASH } from '../../scale/substrateTypes.js';
import { assertNoop, callOf, GENESIS_MS, reportOf, TestChain } from '../../testing.js';
import type { RuntimeCall } from '../../wiring.js';
import { compareEntries } from './calls.js';
import { emittedBy, HALVING_PERIOD_MS } from './emission.js';
import { REWARD_ADDRESS_DEPOSIT } from './rewardAddress.js';
import { earnedParts, totalsOf } from './settlement.js';
import {
  contributions,
  currentEpoch,
  epochPages,
  epochs,
  lastSettledAt,
  openEpochValue,
  payoutPages,
  rolePayments,
} from './storage.js';
import { INITIAL_ROLE_SHARES, type Payout, ROLES, type ScoreEntry } from './types.js';

before(initCrypto);

const facts = {
  from_version: 0,
  to_version: 1,
  state_root: ZERO_HASH,
  held_out_loss: 10_825_000_000n,
  shards_covered: 1,
  receipts_root: ZERO_HASH,
};
const balancesOf = (chain: TestChain, of: readonly { publicKey: Uint8Array }[]): bigint[] =>
  of.map((who) => chain.free(who));
const gradient = (name: string, args: object): RuntimeCall => callOf('ProofOfGradient', name, args);
const begin = (epoch: number, entries: number) => gradient('begin_epoch', { epoch, ...facts, entries });
const pageCall = (epoch: number, page: number, scores: readonly ScoreEntry[]) =>
  gradient('submit_scores', { epoch, page, scores });
const finish = (epoch: number) => gradient('finish_epoch', { epoch });
const asRoot = (call: RuntimeCall) => callOf('Sudo', 'sudo', { call });

const accountOf = (number: number): Uint8Array => {
  const account = new Uint8Array(32).fill(0x11);
  new DataView(account.buffer).setUint32(0, number);
  return account;
};
const trainers = (count: number): ScoreEntry[] =>
  Array.from({ length: count }, (_, i) => ({
    account: accountOf(i),
    role: 'Training' as const,
    score: BigInt((i * 7_919) % 100_003) + 1n,
  }));

/** Reports `entries` in pages that end at `ends`, then lets blocks pass until all is paid; counts them. */
function reportPaged(chain: TestChain, entries: readonly ScoreEntry[], ends: readonly number[]): number {
  const { server } = chain.people;
  const epoch = currentEpoch.get(chain.access);
  assert.equal(chain.run(server, begin(epoch, entries.length)), undefined);
  let from = 0;
  let page = 0;
  for (const end of [...ends.map((at) => Math.min(at, entries.length)), entries.length]) {
    if (end <= from) continue;
    assert.equal(chain.run(server, pageCall(epoch, page, entries.slice(from, end))), undefined);
    from = end;
    page++;
  }
  assert.equal(chain.run(server, finish(epoch)), undefined);
  let blocks = 0;
  while (openEpochValue.get(chain.access)) {
    chain.build();
    blocks++;
  }
  return blocks;
}

function payoutsOf(chain: TestChain, epoch: number): Payout[] {
  const pages = epochPages.get(chain.access, epoch) ?? 0;
  return Array.from({ length: pages }, (_, page) => payoutPages.get(chain.access, [epoch, page])!).flat();
}

const entriesOf: fc.Arbitrary<ScoreEntry[]> = fc
  .uniqueArray(
    fc.record({
      account: fc.nat(40).map(accountOf),
      role: fc.constantFrom(...ROLES),
      score: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 1n << 80n })),
    }),
    { selector: ({ account, role }) => `${role} ${toHex(account)}`, maxLength: 12 },
  )
  .map((list) => [...list].sort(compareEntries));

describe('an epoch in pages', () => {
  it('pays each role exactly its part, each entry its share to within a planck, whatever the pages', () => {
    fc.assert(
      fc.property(entriesOf, fc.array(fc.nat(12), { maxLength: 4 }), (entries, cuts) => {
        const ends = [...cuts].sort((a, b) => a - b);
        const chain = new TestChain();
        reportPaged(chain, entries, ends);
        const other = new TestChain();
        // As many blocks until it is finished, so that both cover the same time.
        const pagesOf = (list: readonly number[]) =>
          new Set(list.filter((end) => end > 0 && end < entries.length)).size + (entries.length > 0 ? 1 : 0);
        for (let i = pagesOf([]); i < pagesOf(ends); i++) other.build();
        reportPaged(other, entries, []);
        assert.deepEqual(payoutsOf(chain, 0), payoutsOf(other, 0));
        const info = epochs.get(chain.access, 0)!;
        const reward = emittedBy(GENESIS_MS, info.ended_at) - emittedBy(GENESIS_MS, info.started_at);
        const totals = totalsOf(entries);
        const parts = earnedParts(reward, INITIAL_ROLE_SHARES, totals);
        for (const role of ROLES) {
          const own = payoutsOf(chain, 0).filter((payout) => payout.role === role);
          assert.equal(
            own.reduce((sum, { amount }) => sum + amount, 0n),
            parts[role],
          );
          for (const { score, amount } of own) {
            const low = totals[role] === 0n ? 0n : (parts[role] * score) / totals[role];
            assert.ok(amount === low || amount === low + 1n);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it('settles 10,000 miners in blocks of bounded size', () => {
    const chain = new TestChain();
    const entries = trainers(10_000);
    const before = chain.issuance;
    const ends = Array.from({ length: 9 }, (_, i) => (i + 1) * 1_000);
    const blocks = reportPaged(chain, entries, ends);
    assert.equal(blocks, 4, 'two pages are paid with the last report, two in each block after it');
    const { minted, ended_at: endedAt } = epochs.get(chain.access, 0)!;
    assert.equal(chain.issuance - before, minted);
    const reward = emittedBy(GENESIS_MS, endedAt);
    assert.equal(minted, (reward * 8_900n) / 10_000n);
    const list = payoutsOf(chain, 0);
    assert.equal(list.length, 10_000);
    const first = list[7]!;
    assert.deepEqual(contributions.get(chain.access, first.account), {
      cumulative_score: first.score,
      first_epoch: 0,
      last_epoch: 0,
      epochs: 1,
      total_paid: first.amount,
    });
  });

  it('can be repeated after a crash at any point, and aborted before it is finished', () => {
    const chain = new TestChain();
    const { server, alice } = chain.people;
    const entries = trainers(5);
    assertNoop(chain, server, finish(0), 'ProofOfGradient.NoOpenEpoch');
    assertNoop(chain, alice, begin(0, 5), 'ProofOfGradient.NotParameterServer');
    assertNoop(chain, server, begin(1, 5), 'ProofOfGradient.EpochOutOfOrder');
    assert.equal(chain.run(server, begin(0, 5)), undefined);
    assertNoop(chain, server, begin(0, 5), 'ProofOfGradient.EpochOpen');
    assertNoop(chain, server, reportOf(0, entries), 'ProofOfGradient.EpochOpen');
    assertNoop(chain, server, pageCall(0, 1, entries.slice(0, 2)), 'ProofOfGradient.PageOutOfOrder');
    assert.equal(chain.run(server, pageCall(0, 0, entries.slice(0, 2))), undefined);
    assertNoop(chain, server, pageCall(0, 0, entries.slice(0, 2)), 'ProofOfGradient.PageAlreadyReceived');
    assertNoop(chain, server, pageCall(0, 1, entries.slice(1, 3)), 'ProofOfGradient.DuplicateScore');
    assertNoop(chain, server, pageCall(0, 1, entries.slice(0, 1)), 'ProofOfGradient.ScoresNotAscending');
    assertNoop(chain, server, pageCall(0, 1, []), 'ProofOfGradient.PageEmpty');
    assertNoop(chain, server, pageCall(0, 1, trainers(9).slice(2)), 'ProofOfGradient.TooManyScores');
    assertNoop(chain, server, finish(0), 'ProofOfGradient.EntriesMissing');
    assertNoop(chain, alice, gradient('abort_epoch', { epoch: 0 }), 'ProofOfGradient.NotParameterServer');
    assert.equal(chain.run(server, gradient('abort_epoch', { epoch: 0 })), undefined);
    const before = chain.free(server);
    reportPaged(chain, entries, [2]);
    assert.equal(chain.free(server), before, 'reports are free');
    assertNoop(chain, server, finish(0), 'ProofOfGradient.EpochAlreadySettled');
    assert.equal(chain.run(server, reportOf(1, entries)), undefined, 'the next may come in one piece');
  });
});

describe('what is decided about rewards', () => {
  const start = () => new TestChain({ sudo: new TestChain().people.alice.publicKey });

  it('by root: role shares and role accounts, never how much is minted', () => {
    const chain = start();
    const { alice, bob, carol, server } = chain.people;
    const shares = { training: 8_000, scoring: 1_000, infrastructure: 1_000 };
    assertNoop(chain, alice, gradient('set_role_shares', { shares }), 'BadOrigin');
    const wrong = gradient('set_role_shares', { shares: { ...shares, training: 9_000 } });
    chain.run(alice, asRoot(wrong));
    assert.ok('error' in (chain.eventsNamed('Sudo', 'Sudid')[0] as { sudo_result: object }).sudo_result);
    chain.run(alice, asRoot(gradient('set_role_shares', { shares })));
    const rule = { account: carol.publicKey, share: 500 };
    chain.run(alice, asRoot(gradient('set_role_account', { role: 'Training', rule })));
    const entries: ScoreEntry[] = [
      { account: bob.publicKey, role: 'Training', score: 3n },
      { account: bob.publicKey, role: 'Scoring', score: 1n },
      { account: bob.publicKey, role: 'Infrastructure', score: 1n },
    ];
    for (const paged of [false, true]) {
      const epoch = currentEpoch.get(chain.access);
      const issuance = chain.issuance;
      const before = balancesOf(chain, [bob, carol]);
      if (paged) reportPaged(chain, entries, [1]);
      else assert.equal(chain.run(server, reportOf(epoch, entries)), undefined);
      const { minted, started_at: from, ended_at: to } = epochs.get(chain.access, epoch)!;
      const reward = emittedBy(GENESIS_MS, to) - emittedBy(GENESIS_MS, from);
      assert.equal(minted, reward);
      assert.equal(chain.issuance - issuance, reward);
      const training = (reward * 8_000n) / 10_000n;
      const [toBob, toCarol] = balancesOf(chain, [bob, carol]).map((now, i) => now - before[i]!);
      assert.equal(toCarol, (training * 500n) / 10_000n);
      assert.equal(toBob, reward - toCarol!);
      assert.deepEqual(rolePayments.get(chain.access, epoch), [
        { role: 'Training', account: carol.publicKey, amount: toCarol },
      ]);
    }
    chain.run(alice, asRoot(gradient('set_parameter_server', { account: bob.publicKey })));
    assertNoop(chain, server, reportOf(2, entries), 'ProofOfGradient.NotParameterServer');
  });

  it('by an account: where its rewards go', () => {
    const chain = start();
    const { alice, bob, carol, server } = chain.people;
    const entries: ScoreEntry[] = [{ account: alice.publicKey, role: 'Training', score: 1n }];
    const set = (target: Uint8Array) => gradient('set_reward_address', { target });
    assertNoop(chain, alice, set(alice.publicKey), 'ProofOfGradient.RewardAddressInvalid');
    assertNoop(chain, alice, gradient('clear_reward_address', {}), 'ProofOfGradient.RewardAddressInvalid');
    // A miner's key may leave this to another: a proxy of the one type that can do nothing else.
    const delegation = {
      delegate: { type: 'Id', value: bob.publicKey },
      proxy_type: 'RewardAddress',
      delay: 0,
    };
    assert.equal(chain.run(alice, callOf('Proxy', 'add_proxy', delegation)), undefined);
    const real = { type: 'Id', value: alice.publicKey };
    const proxied = (call: RuntimeCall) =>
      callOf('Proxy', 'proxy', { real, force_proxy_type: undefined, call });
    assertNoop(
      chain,
      bob,
      proxied(callOf('System', 'remark', { remark: new Uint8Array() })),
      'Proxy.Unproxyable',
    );
    const delegationDeposit = chain.account(alice).data.reserved;
    assert.equal(chain.run(bob, proxied(set(carol.publicKey))), undefined);
    assert.equal(chain.account(alice).data.reserved - delegationDeposit, REWARD_ADDRESS_DEPOSIT);
    const before = chain.free(alice);
    assert.equal(chain.run(server, reportOf(0, entries)), undefined);
    const { minted } = epochs.get(chain.access, 0)!;
    assert.ok(minted > 0n);
    assert.equal(chain.free(carol), minted);
    assert.equal(chain.free(alice), before);
    assert.equal(
      contributions.get(chain.access, alice.publicKey)!.total_paid,
      minted,
      'the work stays its own',
    );
    assert.equal(chain.run(alice, gradient('clear_reward_address', {})), undefined);
    assert.equal(chain.account(alice).data.reserved, delegationDeposit, 'the deposit is back');
    chain.run(server, reportOf(1, entries));
    assert.equal(chain.free(carol), minted);
  });
});

describe('issuance', () => {
  // Blocks far apart, halvings inside an epoch, epochs without training, reports in pages or not, and long silence.
  const step = fc.record({
    ms: fc.oneof(
      fc.bigInt({ min: 1n, max: 100_000n }),
      fc.bigInt({ min: 1n, max: HALVING_PERIOD_MS }),
      fc.constant(3n * HALVING_PERIOD_MS),
    ),
    what: fc.constantFrom('single', 'paged', 'idle', 'silent'),
  });

  it('is exactly the schedule up to the last settlement, never above it, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        const chain = new TestChain();
        const { server, alice, bob, carol } = chain.people;
        const base = chain.issuance;
        const working: ScoreEntry[] = [
          { account: alice.publicKey, role: 'Training', score: 5n },
          { account: bob.publicKey, role: 'Scoring', score: 2n },
          { account: carol.publicKey, role: 'Infrastructure', score: 1n },
        ];
        const idle: ScoreEntry[] = [{ account: bob.publicKey, role: 'Scoring', score: 2n }];
        for (const { ms, what } of steps) {
          chain.build([], ms);
          const epoch = currentEpoch.get(chain.access);
          if (what === 'single') assert.equal(chain.run(server, reportOf(epoch, working)), undefined);
          else if (what === 'paged') reportPaged(chain, working, [1, 2]);
          else if (what === 'idle') assert.equal(chain.run(server, reportOf(epoch, idle)), undefined);
          const minted = chain.issuance - base;
          // What genesis gave out counts against the cap, so the last planck of the schedule are not minted.
          const scheduled = emittedBy(GENESIS_MS, lastSettledAt.get(chain.access));
          const room = MAX_SUPPLY_PLANCK - base;
          assert.equal(minted, scheduled < room ? scheduled : room);
          assert.ok(minted <= emittedBy(GENESIS_MS, chain.nowMs));
          assert.ok(chain.issuance <= MAX_SUPPLY_PLANCK);
        }
      }),
      { numRuns: 25 },
    );
  });
});

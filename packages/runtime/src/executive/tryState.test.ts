/** @file The checks of a whole state find what is wrong with it: each case breaks one thing in a sound state. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto, toHex } from '@alice/protocol';
import { holds, totalIssuance } from '../pallets/balances/storage.js';
import { MAX_PAGES } from '../pallets/proofOfGradient/limits.js';
import {
  contributions,
  epochArchive,
  epochs,
  lastSettledAt,
  payouts,
  roleShares,
  scorePages,
} from '../pallets/proofOfGradient/storage.js';
import { account } from '../pallets/system/storage.js';
import { Overlay } from '../storage/Overlay.js';
import { reportOf, TestChain } from '../testing.js';

before(initCrypto);

/** A sound state with one settled epoch. */
function settledChain(): TestChain {
  const chain = new TestChain();
  const { alice, server } = chain.people;
  assert.equal(
    chain.run(server, reportOf(0, [{ account: alice.publicKey, role: 'Training', score: 5n }])),
    undefined,
  );
  return chain;
}

/** What `tryState` says after `damage`. */
function problemsAfter(damage: (chain: TestChain, state: Overlay) => void): string[] {
  const chain = settledChain();
  const overlay = new Overlay(chain.view);
  damage(chain, overlay);
  const state = new Map(chain.state);
  for (const [key, value] of overlay.changes()) {
    if (value) state.set(key, value);
    else state.delete(key);
  }
  return chain.runtime.tryState(state);
}

describe('tryState', () => {
  it('finds nothing in a sound state', () => {
    assert.deepEqual(
      problemsAfter(() => undefined),
      [],
    );
  });

  const cases: readonly [string, RegExp, (chain: TestChain, state: Overlay) => void][] = [
    [
      'money from nowhere',
      /balances sum to/,
      (chain, state) => {
        const info = chain.account(chain.people.alice);
        account.put(state, chain.people.alice.publicKey, {
          ...info,
          data: { ...info.data, free: info.data.free + 1n },
        });
      },
    ],
    [
      'more issuance than balances',
      /balances sum to/,
      (chain, state) => totalIssuance.put(state, chain.issuance + 1n),
    ],
    ['an issuance above the cap', /above the cap/, (_chain, state) => totalIssuance.put(state, 1n << 100n)],
    [
      'a closed account with money',
      /a closed account holds/,
      (chain, state) => {
        account.put(state, chain.people.bob.publicKey, { ...chain.account(chain.people.bob), providers: 0 });
      },
    ],
    [
      'a nearly empty account',
      /holds only 1 planck/,
      (chain, state) => {
        const info = chain.account(chain.people.bob);
        account.put(state, chain.people.bob.publicKey, { ...info, data: { ...info.data, free: 1n } });
      },
    ],
    ['an epoch without payouts', /epoch 0 is incomplete/, (_chain, state) => payouts.remove(state, 0)],
    [
      'an epoch too many',
      /2 epochs are stored, 1 settled/,
      (_chain, state) => epochs.put(state, 9, epochs.get(state, 0)),
    ],
    [
      'an epoch that minted other than it paid',
      /epoch 0 minted .* but paid/,
      (_chain, state) => {
        const info = epochs.get(state, 0)!;
        epochs.put(state, 0, { ...info, minted: info.minted - 1n });
      },
    ],
    [
      'minting ahead of the schedule',
      /the schedule allows/,
      (_chain, state) => {
        lastSettledAt.put(state, lastSettledAt.get(state) - 1_000n);
      },
    ],
    [
      'settlement into the future',
      /into the future/,
      (chain, state) => lastSettledAt.put(state, chain.nowMs + 1n),
    ],
    [
      'role shares that do not sum',
      /role shares/,
      (_chain, state) => {
        roleShares.put(state, { training: 9_000, scoring: 600, infrastructure: 500 });
      },
    ],
    [
      'a contribution that does not add up',
      /total_paid is not the sum/,
      (chain, state) => {
        const own = contributions.get(state, chain.people.alice.publicKey)!;
        contributions.put(state, chain.people.alice.publicKey, { ...own, total_paid: own.total_paid + 1n });
      },
    ],
    [
      'impossible epoch counts',
      /impossible epoch counts/,
      (chain, state) => {
        const own = contributions.get(state, chain.people.alice.publicKey)!;
        contributions.put(state, chain.people.alice.publicKey, { ...own, epochs: 2 });
      },
    ],
    [
      'payouts that nobody counted',
      /1 payouts are stored, 2 counted/,
      (_chain, state) => epochArchive.put(state, { ...epochArchive.get(state), entries: 2 }),
    ],
    [
      'money that nobody was paid',
      /planck are minted but/,
      (_chain, state) => epochArchive.put(state, { ...epochArchive.get(state), minted: 1n }),
    ],
    [
      'more entries than a map may have',
      /ProofOfGradient.ScorePages has 201 entries, at most 200 may be/,
      (_chain, state) => {
        for (let page = 0; page <= MAX_PAGES; page++) scorePages.put(state, page, []);
      },
    ],
    [
      'a deposit for no reward address',
      /held for a reward address/,
      (chain, state) => {
        const { publicKey } = chain.people.bob;
        const info = chain.account(chain.people.bob);
        const data = { ...info.data, free: info.data.free - 9n, reserved: 9n };
        account.put(state, publicKey, { ...info, data });
        holds.put(state, publicKey, [
          { id: { type: 'ProofOfGradient', value: 'RewardAddress' }, amount: 9n },
        ]);
      },
    ],
    [
      'an unknown key',
      /no storage item/,
      (_chain, state) => state.write({ bytes: Uint8Array.of(1), hex: '0x01' }, Uint8Array.of(1)),
    ],
    [
      'bytes after a value',
      /bytes follow the value/,
      (_chain, state) => {
        state.write(totalIssuance.prefix(), new Uint8Array(17));
      },
    ],
    [
      'a key whose hash is wrong',
      /the hash in the key is wrong/,
      (chain, state) => {
        const { bytes, hex } = account.keyOf(chain.people.bob.publicKey);
        const wrong = bytes.slice();
        wrong[40]! ^= 1;
        state.write({ bytes: wrong, hex: toHex(wrong) }, chain.state.get(hex));
      },
    ],
  ];
  for (const [name, expected, damage] of cases)
    it(`finds ${name}`, () => {
      assert.match(problemsAfter(damage).join('\n'), expected);
    });
});

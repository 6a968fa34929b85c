/** @file However many epochs are settled, the state stays bounded, sums stay exact, and what went can be proven. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { concatBytes, fromHex, type HexString, initCrypto, toHex } from '@alice/protocol';
import { blake2b256 } from '../../storage/hashing.js';
import { Overlay } from '../../storage/Overlay.js';
import { assertNoop, callOf, reportOf, TestChain } from '../../testing.js';
import { isRemoving, removeOldHistory } from './history.js';
import { EPOCHS_KEPT, EPOCHS_OVER, PAYOUT_EPOCHS_KEPT } from './limits.js';
import {
  contributions,
  currentEpoch,
  epochArchive,
  epochPages,
  epochs,
  payoutPages,
  payouts,
  rolePayments,
} from './storage.js';
import { EMPTY_ARCHIVE, type Payout } from './types.js';

before(initCrypto);

const EMPTY_INFO = {
  index: 0,
  started_at: 0n,
  ended_at: 0n,
  from_version: 0,
  to_version: 0,
  state_root: EMPTY_ARCHIVE.digest,
  held_out_loss: 0n,
  shards_covered: 0,
  receipts_root: EMPTY_ARCHIVE.digest,
  minted: 0n,
};

/** Settles `count` epochs of one trainer, many in a block. */
function settle(chain: TestChain, count: number): void {
  const { bob, server } = chain.people;
  const scores = [{ account: bob.publicKey, role: 'Training', score: 5n }];
  for (let from = currentEpoch.get(chain.access), left = count; left > 0; ) {
    const size = Math.min(left, 152);
    const calls = Array.from({ length: size }, (_, i) => reportOf(from + i, scores));
    assert.equal(chain.run(server, callOf('Utility', 'batch_all', { calls })), undefined);
    from += size;
    left -= size;
  }
}

/** The entries under these prefixes, in the order in which they would be removed. */
function payoutEntries(chain: TestChain, until: number): (readonly [HexString, Uint8Array])[] {
  return Array.from({ length: until }, (_, epoch) => payouts.keyOf(epoch).hex).map(
    (key) => [key, chain.state.get(key)!] as const,
  );
}

const chained = (digest: HexString, [key, value]: readonly [HexString, Uint8Array]): HexString =>
  toHex(blake2b256(concatBytes(fromHex(digest), fromHex(key), value)));

describe('old epochs', () => {
  it('leave the state, their sums and a digest of them stay, and too many at once are refused', () => {
    const chain = new TestChain();
    const { bob, server } = chain.people;
    const most = PAYOUT_EPOCHS_KEPT + EPOCHS_OVER;
    settle(chain, PAYOUT_EPOCHS_KEPT);
    const all = payoutEntries(chain, PAYOUT_EPOCHS_KEPT);
    assert.equal(epochArchive.get(chain.access).payouts_from, 0);
    const scores = [{ account: bob.publicKey, role: 'Training', score: 5n }];
    const calls = Array.from({ length: EPOCHS_OVER + 1 }, (_, i) => reportOf(PAYOUT_EPOCHS_KEPT + i, scores));
    const tooMany = callOf('Utility', 'batch_all', { calls });
    assertNoop(chain, server, tooMany, 'ProofOfGradient.HistoryFull');
    settle(chain, EPOCHS_OVER);
    assert.equal(currentEpoch.get(chain.access), most);
    while (isRemoving(chain.access)) chain.build();
    const archive = epochArchive.get(chain.access);
    assert.equal(archive.payouts_from, EPOCHS_OVER);
    assert.equal(archive.entries, PAYOUT_EPOCHS_KEPT);
    assert.equal(archive.digest, all.slice(0, EPOCHS_OVER).reduce(chained, EMPTY_ARCHIVE.digest));
    assert.equal(payouts.get(chain.access, EPOCHS_OVER - 1), undefined);
    assert.equal(payouts.get(chain.access, EPOCHS_OVER)?.length, 1);
    assert.ok(epochs.get(chain.access, 0), 'the record of the epoch stays longer than its payouts');
    const own = contributions.get(chain.access, bob.publicKey)!;
    assert.deepEqual([own.epochs, own.cumulative_score], [most, 5n * BigInt(most)]);
  });

  it('in pages go page by page, and records go last', () => {
    const { alice, bob } = new TestChain().people;
    const state = new Overlay({ get: () => undefined });
    const entry = (account: Uint8Array, amount: bigint): Payout => ({
      account,
      role: 'Training',
      score: 1n,
      amount,
    });
    const pages = [[entry(alice.publicKey, 3n), entry(bob.publicKey, 4n)], [entry(bob.publicKey, 5n)]];
    epochs.put(state, 0, { ...EMPTY_INFO, minted: 14n });
    epochPages.put(state, 0, pages.length);
    for (const [page, list] of pages.entries()) payoutPages.put(state, [0, page], list);
    rolePayments.put(state, 0, [{ role: 'Training', account: alice.publicKey, amount: 2n }]);
    currentEpoch.put(state, EPOCHS_KEPT + 1);
    epochArchive.put(state, { ...EMPTY_ARCHIVE, entries: 3 });
    const keys = [
      payoutPages.keyOf([0, 0]),
      payoutPages.keyOf([0, 1]),
      rolePayments.keyOf(0),
      epochs.keyOf(0),
    ];
    const entries = keys.map((key) => [key.hex, state.read(key)!] as const);
    while (isRemoving(state)) removeOldHistory(state);
    assert.deepEqual(epochArchive.get(state), {
      epochs_from: 1,
      payouts_from: EPOCHS_KEPT + 1 - PAYOUT_EPOCHS_KEPT,
      pages_from: 0,
      entries: 0,
      minted: 14n,
      shared: 2n,
      digest: entries.reduce(chained, EMPTY_ARCHIVE.digest),
    });
    for (const key of [...keys, epochPages.keyOf(0)]) assert.equal(state.read(key), undefined);
  });
});

/**
 * @file The state of runtime 104, recorded by it (`vectors/state104.json`: epochs in one call and in pages, one of them
 * half paid, a role account, a reward address without a deposit), goes on under this runtime.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, it } from 'node:test';
import { fromHex, type HexString, initCrypto } from '@alice/protocol';
import {
  currentEpoch,
  epochArchive,
  openEpochValue,
  rewardAddresses,
} from '../pallets/proofOfGradient/storage.js';
import { lastUpgrade } from '../pallets/system/storage.js';
import { assertNoop, callOf, TestChain } from '../testing.js';
import { SPEC_VERSION } from '../version.js';

before(initCrypto);

interface Recorded {
  readonly nowMs: string;
  readonly hashes: readonly HexString[];
  readonly entries: readonly (readonly [HexString, HexString])[];
}

/** A chain whose head state is the recorded one. */
function recordedChain(): TestChain {
  const file = new URL('../../vectors/state104.json', import.meta.url);
  const { nowMs, hashes, entries } = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  const chain = new TestChain();
  chain.state.clear();
  for (const [key, value] of entries) chain.state.set(key, fromHex(value));
  chain.nowMs = BigInt(nowMs);
  chain.hashes.splice(0, chain.hashes.length, ...hashes);
  return chain;
}

it('brings the state of runtime 104 into the present form in the first block', () => {
  const chain = recordedChain();
  assert.equal(lastUpgrade.get(chain.access)?.spec_version, 104);
  assert.equal(openEpochValue.get(chain.access)?.paying?.next_page, 2, 'two of three pages are paid');
  assert.equal(epochArchive.get(chain.access).entries, 0);
  chain.build(); // checks all invariants
  assert.equal(lastUpgrade.get(chain.access)?.spec_version, SPEC_VERSION);
  assert.equal(epochArchive.get(chain.access).entries, 4 * 4, 'the last page is paid and counted once');
  assert.equal(currentEpoch.get(chain.access), 4);
  chain.build();
  assert.equal(epochArchive.get(chain.access).entries, 4 * 4, 'only the first block migrates');
});

it('releases no deposit that was never taken', () => {
  const chain = recordedChain();
  const { bob } = chain.people;
  chain.build();
  assert.ok(rewardAddresses.get(chain.access, bob.publicKey));
  const clear = callOf('ProofOfGradient', 'clear_reward_address', {});
  assert.equal(chain.run(bob, clear), undefined);
  assert.equal(chain.account(bob).data.reserved, 0n);
  assertNoop(chain, bob, clear, 'ProofOfGradient.RewardAddressInvalid');
});

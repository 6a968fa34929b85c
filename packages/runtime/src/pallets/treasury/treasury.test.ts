/** @file Spending what belongs to nobody: only by root, only what is there, recorded, and never new money. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { ALICE_UNIT, assertNoop, callOf, reportOf, TestChain, transferTo } from '../../testing.js';
import type { RuntimeCall } from '../../wiring.js';
import { EXISTENTIAL_DEPOSIT } from '../balances/ledger.js';
import { POT_ACCOUNTS, type Pot } from './pots.js';
import { spent } from './storage.js';

before(initCrypto);

const start = () => new TestChain({ sudo: new TestChain().people.alice.publicKey });
const asRoot = (call: RuntimeCall) => callOf('Sudo', 'sudo', { call });
const spend = (pot: Pot, to: { publicKey: Uint8Array }, amount: bigint) =>
  callOf('Treasury', 'spend', { pot, beneficiary: { type: 'Id', value: to.publicKey }, amount });
const pot = (name: Pot) => ({ publicKey: POT_ACCOUNTS[name] });

describe('the treasury', () => {
  it('pays out what was paid in, and keeps count', () => {
    const chain = start();
    const { alice, bob, carol } = chain.people;
    assert.equal(chain.run(bob, transferTo(pot('Treasury'), 5n * ALICE_UNIT)), undefined);
    const { issuance } = chain;
    const before = chain.free(carol);
    chain.run(alice, asRoot(spend('Treasury', carol, 2n * ALICE_UNIT)));
    assert.deepEqual(chain.eventsNamed('Treasury', 'Spent'), [
      { pot: 'Treasury', beneficiary: carol.publicKey, amount: 2n * ALICE_UNIT },
    ]);
    assert.equal(chain.free(carol) - before, 2n * ALICE_UNIT);
    assert.equal(chain.free(pot('Treasury')), 3n * ALICE_UNIT);
    chain.run(alice, asRoot(spend('Treasury', carol, 3n * ALICE_UNIT)));
    assert.equal(chain.free(pot('Treasury')), 0n, 'the pot may be emptied');
    assert.deepEqual(spent.get(chain.access, 'Treasury'), { times: 2, amount: 5n * ALICE_UNIT });
    assert.equal(chain.issuance, issuance);
  });

  it('is closed to everyone else, and gives no more than it has', () => {
    const chain = start();
    const { alice, bob, carol } = chain.people;
    chain.run(bob, transferTo(pot('Treasury'), ALICE_UNIT));
    assertNoop(chain, bob, spend('Treasury', bob, 1n), 'BadOrigin');
    const refusedAsRoot = (call: RuntimeCall): void => {
      const held = chain.free(pot('Treasury'));
      chain.run(alice, asRoot(call));
      const [sudid] = chain.eventsNamed('Sudo', 'Sudid') as { sudo_result: object }[];
      assert.ok(sudid && 'error' in sudid.sudo_result, 'refused');
      assert.equal(chain.free(pot('Treasury')), held);
      assert.deepEqual(chain.eventsNamed('Treasury', 'Spent'), []);
    };
    refusedAsRoot(spend('Treasury', carol, 0n));
    refusedAsRoot(spend('Treasury', carol, ALICE_UNIT + 1n));
    refusedAsRoot(spend('Treasury', carol, EXISTENTIAL_DEPOSIT - 1n));
    refusedAsRoot(spend('Scoring', carol, 1n));
    assert.equal(chain.run(alice, callOf('Sudo', 'remove_key', {})), undefined);
    assertNoop(chain, alice, asRoot(spend('Treasury', carol, 1n)), 'Sudo.RequireSudo');
  });

  it('has an account for each role that can take a share of what the role earns', () => {
    const chain = start();
    const { alice, bob, carol, server } = chain.people;
    const rule = { account: POT_ACCOUNTS.Scoring, share: 1_000 };
    const call = callOf('ProofOfGradient', 'set_role_account', { role: 'Scoring', rule });
    chain.run(alice, asRoot(call));
    const scores = [
      { account: bob.publicKey, role: 'Training', score: 3n },
      { account: bob.publicKey, role: 'Scoring', score: 1n },
    ];
    assert.equal(chain.run(server, reportOf(0, scores)), undefined);
    const [shared] = chain.eventsNamed('ProofOfGradient', 'RoleShared') as { amount: bigint }[];
    const earned = chain.free(pot('Scoring'));
    assert.ok(shared && earned === shared.amount && earned > 0n);
    const before = chain.free(carol);
    chain.run(alice, asRoot(spend('Scoring', carol, earned)));
    assert.equal(chain.free(carol) - before, earned);
  });
});

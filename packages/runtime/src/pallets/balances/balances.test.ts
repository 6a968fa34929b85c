/** @file Transfers: what they move, what they refuse without a trace, and that money is never made or lost. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto, keyPairFromSecret } from '@alice/protocol';
import fc from 'fast-check';
import { encode } from '../../scale/ScaleType.js';
import { ALICE_UNIT, assertNoop, callOf, TestChain, transferTo } from '../../testing.js';
import { timeOf } from '../../weights/timeOf.js';
import { account } from '../system/storage.js';
import { accountInfo } from '../system/types.js';
import { feeOf } from '../transactionPayment/fees.js';
import { EXISTENTIAL_DEPOSIT } from './ledger.js';

before(initCrypto);

const transferAll = (dest: Uint8Array, keepAlive: boolean) =>
  callOf('Balances', 'transfer_all', { dest: { type: 'Id', value: dest }, keep_alive: keepAlive });

describe('transfer', () => {
  it('moves exactly the amount; the sender pays the fee, the collector gets it, issuance stays', () => {
    const chain = new TestChain();
    const { alice, bob, collector } = chain.people;
    const issuance = chain.issuance;
    const extrinsic = chain.sign(alice, transferTo(bob, 5n * ALICE_UNIT), { tip: 77n });
    const { results } = chain.build([extrinsic]);
    assert.equal(results[1]!.error, undefined);
    const fee = feeOf(extrinsic.length, timeOf('Balances.transfer_allow_death'));
    assert.equal(chain.free(alice), 995n * ALICE_UNIT - fee - 77n);
    assert.equal(chain.free(bob), 1_005n * ALICE_UNIT);
    assert.equal(chain.free(collector), fee + 77n);
    assert.equal(chain.account(alice).nonce, 1);
    assert.equal(chain.issuance, issuance);
    assert.deepEqual(
      chain.events.slice(1).map(({ type, value }) => `${type}.${value.type}`),
      [
        'Balances.Withdraw',
        'Balances.Transfer',
        'System.NewAccount',
        'Balances.Endowed',
        'Balances.Deposit',
        'TransactionPayment.TransactionFeePaid',
        'System.ExtrinsicSuccess',
      ].filter((name) => !name.match(/NewAccount|Endowed/)),
    );
    assert.deepEqual(chain.eventsNamed('Balances', 'Transfer'), [
      { from: alice.publicKey, to: bob.publicKey, amount: 5n * ALICE_UNIT },
    ]);
    assert.deepEqual(chain.eventsNamed('TransactionPayment', 'TransactionFeePaid'), [
      { who: alice.publicKey, actual_fee: fee + 77n, tip: 77n },
    ]);
  });

  it('opens an account with the existential deposit, and not with less', () => {
    const chain = new TestChain();
    const { alice, carol } = chain.people;
    assertNoop(chain, alice, transferTo(carol, EXISTENTIAL_DEPOSIT - 1n), 'Balances.ExistentialDeposit');
    assert.equal(chain.run(alice, transferTo(carol, EXISTENTIAL_DEPOSIT)), undefined);
    assert.deepEqual(chain.account(carol), {
      nonce: 0,
      consumers: 0,
      providers: 1,
      sufficients: 0,
      data: { free: EXISTENTIAL_DEPOSIT, reserved: 0n, frozen: 0n, flags: 0n },
    });
    assert.deepEqual(chain.eventsNamed('Balances', 'Endowed'), [
      { account: carol.publicKey, free_balance: EXISTENTIAL_DEPOSIT },
    ]);
    assert.deepEqual(chain.eventsNamed('System', 'NewAccount'), [{ account: carol.publicKey }]);
  });

  it('refuses more than there is, without a trace', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    for (const name of ['transfer_allow_death', 'transfer_keep_alive'])
      assertNoop(chain, alice, transferTo(bob, 1_001n * ALICE_UNIT, name), 'Balances.InsufficientBalance');
    assertNoop(chain, alice, transferTo(bob, (1n << 128n) - 1n), 'Balances.InsufficientBalance');
  });

  it('refuses addresses it cannot look up', () => {
    const chain = new TestChain();
    const dest = { type: 'Index', value: undefined };
    assertNoop(
      chain,
      chain.people.alice,
      callOf('Balances', 'transfer_keep_alive', { dest, value: 1n }),
      'CannotLookup',
    );
  });

  it('keeps the sender alive, or closes it and gives the dust to the collector; the nonce survives', () => {
    const chain = new TestChain();
    const { alice, bob, collector } = chain.people;
    const feeOfTransfer = feeOf(
      chain.sign(alice, transferTo(bob, 999n * ALICE_UNIT)).length,
      timeOf('Balances.transfer_allow_death'),
    );
    const kept = chain.sign(alice, transferTo(bob, 999n * ALICE_UNIT, 'transfer_keep_alive'));
    const feeOfKept = feeOf(kept.length, timeOf('Balances.transfer_keep_alive'));
    const all = 1_000n * ALICE_UNIT - feeOfKept;
    assertNoop(chain, alice, transferTo(bob, all - 499n, 'transfer_keep_alive'), 'Balances.Expendability');
    const before = chain.free(collector);
    assert.equal(chain.run(alice, transferTo(bob, all - feeOfTransfer - 499n)), undefined);
    assert.equal(chain.free(collector), before + feeOfTransfer + 499n);
    assert.deepEqual(chain.eventsNamed('Balances', 'DustLost'), [{ account: alice.publicKey, amount: 499n }]);
    assert.deepEqual(chain.eventsNamed('System', 'KilledAccount'), [{ account: alice.publicKey }]);
    const closed = chain.account(alice);
    assert.deepEqual([closed.nonce, closed.providers, closed.data.free], [2, 0, 0n]);
    assert.equal(chain.run(bob, transferTo(alice, ALICE_UNIT)), undefined);
    assert.deepEqual(
      [chain.account(alice).nonce, chain.account(alice).providers],
      [2, 1],
      'old transactions could be replayed',
    );
  });

  it('to oneself moves nothing, even the whole balance', () => {
    const chain = new TestChain();
    const { alice } = chain.people;
    const extrinsic = chain.sign(alice, transferTo(alice, 999n * ALICE_UNIT));
    chain.build([extrinsic]);
    assert.equal(
      chain.free(alice),
      1_000n * ALICE_UNIT - feeOf(extrinsic.length, timeOf('Balances.transfer_allow_death')),
    );
  });

  it('respects frozen funds', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    const info = chain.account(alice);
    const frozen = { ...info, data: { ...info.data, frozen: 900n * ALICE_UNIT } };
    chain.state.set(account.keyOf(alice.publicKey).hex, encode(accountInfo, frozen));
    assertNoop(chain, alice, transferTo(bob, 200n * ALICE_UNIT), 'Balances.LiquidityRestrictions');
    assert.equal(chain.run(alice, transferTo(bob, 99n * ALICE_UNIT)), undefined);
    const { results, dropped } = chain.build([chain.sign(alice, transferTo(bob, 1n), { tip: ALICE_UNIT })]);
    assert.deepEqual(
      [results.length, dropped[0]?.reason],
      [1, 'Payment'],
      'a fee may not touch frozen funds',
    );
  });
});

describe('transfer_all', () => {
  it('sends everything but the fee, or everything but the existential deposit', () => {
    const chain = new TestChain();
    const { alice, bob, carol } = chain.people;
    assert.equal(chain.run(alice, transferAll(carol.publicKey, true)), undefined);
    assert.equal(chain.free(alice), EXISTENTIAL_DEPOSIT);
    assert.equal(chain.run(bob, transferAll(carol.publicKey, false)), undefined);
    assert.deepEqual([chain.free(bob), chain.account(bob).providers], [0n, 0]);
    assert.deepEqual(chain.eventsNamed('Balances', 'DustLost'), []);
  });
});

describe('the fee collector', () => {
  it('stays open whatever it holds, so that every fee and all dust find it', () => {
    const chain = new TestChain();
    const { alice, bob, collector } = chain.people;
    assert.equal(chain.run(alice, transferTo(collector, 1n)), undefined);
    const fee = feeOf(
      chain.sign(collector, transferTo(bob, 2n ** 62n)).length,
      timeOf('Balances.transfer_allow_death'),
    );
    assert.equal(chain.run(alice, transferTo(collector, 10n * fee)), undefined);
    assert.equal(chain.run(collector, transferAll(bob.publicKey, false)), undefined);
    assert.equal(chain.account(collector).providers, 1);
    assert.ok(chain.free(collector) > 0n, 'its own fee came back to it');
  });
});

describe('any sequence of calls', () => {
  it('keeps balances summing to an unchanged issuance and nonces counting transactions', () => {
    const unit = fc.record({
      from: fc.nat(3),
      to: fc.nat(4),
      name: fc.constantFrom('transfer_allow_death', 'transfer_keep_alive'),
      planck: fc.oneof(fc.bigInt({ min: 0n, max: 1_000n }), fc.bigInt({ min: 0n, max: 3n * ALICE_UNIT })),
      tip: fc.bigInt({ min: 0n, max: 10n }),
    });
    fc.assert(
      fc.property(fc.array(unit, { minLength: 1, maxLength: 8 }), (orders) => {
        const seeds = ['//Alice', '//Bob', '//Collector', '//Carol', '//New'].map(keyPairFromSecret);
        const balances = seeds
          .slice(0, 2)
          .map(({ publicKey }) => ({ account: publicKey, planck: 2n * ALICE_UNIT }));
        const chain = new TestChain({ balances });
        const issuance = chain.issuance;
        for (const { from, to, name, planck, tip } of orders) {
          const signer = seeds[from]!;
          const nonce = chain.account(signer).nonce;
          const output = chain.build([chain.sign(signer, transferTo(seeds[to]!, planck, name), { tip })]);
          assert.equal(chain.account(signer).nonce, nonce + output.results.length - 1);
          assert.equal(chain.issuance, issuance);
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** @file Calls inside calls: batches, sudo and proxies do exactly what they say, undo what fails, and end at a depth. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { initCrypto, isCodedError } from '@alice/protocol';
import { decode, encode } from '../scale/ScaleType.js';
import { ALICE_UNIT, assertNoop, callOf, TestChain, transferTo } from '../testing.js';
import { type RuntimeCall, runtimeCall } from '../wiring.js';
import { proxies } from './proxy/storage.js';
import { rules } from './staking/storage.js';
import { doubleVote, ledgerOf, TEST_RULES, testValidator, validatorChain } from './staking/testValidators.js';
import { sudoKey, sudoRemovedAt, sudoUses } from './sudo/storage.js';

before(initCrypto);

const id = (publicKey: Uint8Array) => ({ type: 'Id', value: publicKey }) as const;
const batch = (name: string, calls: readonly RuntimeCall[]) => callOf('Utility', name, { calls });
const fullRules = (chain: TestChain) => ({ ...rules.get(chain.access), minimum_validators: 7 });
const setRules = (chain: TestChain) => callOf('Staking', 'set_rules', { rules: fullRules(chain) });

describe('batches', () => {
  const setup = () => {
    const chain = new TestChain();
    const { alice, bob, carol } = chain.people;
    const good = transferTo(bob, 3n * ALICE_UNIT);
    const bad = transferTo(carol, 5_000n * ALICE_UNIT);
    return { chain, alice, gained: () => chain.free(bob) - 1_000n * ALICE_UNIT, calls: [good, bad, good] };
  };

  it('stop at a failure, undo everything, or go on, and say so', () => {
    const stop = setup();
    assert.equal(stop.chain.run(stop.alice, batch('batch', stop.calls)), undefined);
    assert.equal(stop.gained(), 3n * ALICE_UNIT);
    assert.deepEqual(stop.chain.eventsNamed('Utility', 'BatchInterrupted'), [
      { index: 1, error: { type: 'Module', value: { index: 4, error: Uint8Array.of(2, 0, 0, 0) } } },
    ]);
    const all = setup();
    assertNoop(all.chain, all.alice, batch('batch_all', all.calls), 'Balances.InsufficientBalance');
    const force = setup();
    assert.equal(force.chain.run(force.alice, batch('force_batch', force.calls)), undefined);
    assert.equal(force.gained(), 6n * ALICE_UNIT);
    assert.equal(force.chain.eventsNamed('Utility', 'ItemFailed').length, 1);
    assert.equal(force.chain.eventsNamed('Utility', 'BatchCompletedWithErrors').length, 1);
  });

  it('cost the time of what they hold, and end at a depth', () => {
    const { chain, alice } = setup();
    const remark = callOf('System', 'remark', { remark: new Uint8Array() });
    const many = batch('batch', new Array(1_001).fill(remark));
    assertNoop(chain, alice, many, 'Utility.TooManyCalls');
    let deep: RuntimeCall = remark;
    for (let i = 0; i < 8; i++) deep = batch('batch', [deep]);
    assert.equal(chain.run(alice, deep), undefined);
    assert.equal(chain.eventsNamed('Utility', 'BatchCompleted').length, 8);
    const tooDeep = encode(runtimeCall, batch('batch', [deep]));
    assert.throws(
      () => decode(runtimeCall, tooDeep),
      (error) => isCodedError(error) && error.info.code === 'SCALE_INVALID',
    );
    const report = callOf('ProofOfGradient', 'submit_epoch', {
      epoch: 0,
      from_version: 0,
      to_version: 0,
      state_root: `0x${'00'.repeat(32)}`,
      held_out_loss: 0n,
      shards_covered: 0,
      receipts_root: `0x${'00'.repeat(32)}`,
      scores: new Array(9_000).fill({ account: alice.publicKey, role: 'Training', score: 1n }),
    });
    const heavy = chain.sign(alice, batch('batch', [report, report]));
    assert.deepEqual(
      chain.build([heavy]).dropped.map(({ reason }) => reason),
      ['ExhaustsResources'],
    );
  });
});

describe('sudo', () => {
  it('gives root to the key of genesis only, records every use, and can be removed for good', () => {
    const chain = new TestChain({ sudo: new TestChain().people.alice.publicKey });
    const { alice, bob } = chain.people;
    const asRoot = (call: RuntimeCall) => callOf('Sudo', 'sudo', { call });
    assertNoop(chain, alice, setRules(chain), 'BadOrigin');
    assertNoop(chain, bob, asRoot(setRules(chain)), 'Sudo.RequireSudo');
    assert.equal(chain.run(alice, asRoot(setRules(chain))), undefined);
    assert.equal(rules.get(chain.access).minimum_validators, 7);
    assert.deepEqual(chain.eventsNamed('Sudo', 'Sudid'), [{ sudo_result: { ok: undefined } }]);
    const refused = callOf('Staking', 'set_rules', { rules: { ...fullRules(chain), max_validators: 1_000 } });
    assert.equal(chain.run(alice, asRoot(refused)), undefined);
    assert.ok('error' in (chain.eventsNamed('Sudo', 'Sudid')[0] as { sudo_result: object }).sudo_result);
    assert.equal(sudoUses.get(chain.access), 2);
    const inherent = callOf('Timestamp', 'set', { now: 5n });
    assert.equal(chain.run(alice, asRoot(inherent)), undefined);
    assert.ok('error' in (chain.eventsNamed('Sudo', 'Sudid')[0] as { sudo_result: object }).sudo_result);
    assert.equal(chain.run(alice, callOf('Sudo', 'set_key', { new: id(bob.publicKey) })), undefined);
    assertNoop(chain, alice, asRoot(setRules(chain)), 'Sudo.RequireSudo');
    assert.equal(chain.run(bob, callOf('Sudo', 'remove_key', {})), undefined);
    assert.equal(sudoRemovedAt.get(chain.access), chain.number);
    assert.equal(sudoKey.get(chain.access), undefined);
    assertNoop(chain, bob, asRoot(setRules(chain)), 'Sudo.RequireSudo');
  });

  it('cancels a slash that waits, and reports one that was decided', () => {
    const validators = ['Va', 'Vb', 'Vc', 'Vd'].map(testValidator);
    const [offender, reporter] = validators as [
      ReturnType<typeof testValidator>,
      ReturnType<typeof testValidator>,
    ];
    const root = testValidator('Alice');
    const chain = validatorChain(validators, { sudo: root.publicKey });
    const asRoot = (name: string, args: object) =>
      chain.run(root, callOf('Sudo', 'sudo', { call: callOf('Staking', name, args) }));
    chain.build([], 3_000n, doubleVote(offender));
    asRoot('cancel_deferred_slash', { ids: [0] });
    assert.equal(chain.eventsNamed('Staking', 'SlashCancelled').length, 1);
    chain.build([], TEST_RULES.slash_defer_ms);
    assert.equal(ledgerOf(chain, offender)!.total, 1_000n * ALICE_UNIT);
    asRoot('slash', { stash: offender.publicKey, share: 250_000_000, reporter: reporter.publicKey });
    const before = chain.free(reporter);
    chain.build([], TEST_RULES.slash_defer_ms);
    assert.equal(ledgerOf(chain, offender)!.total, 750n * ALICE_UNIT);
    assert.equal(chain.free(reporter) - before, 25n * ALICE_UNIT);
  });
});

describe('proxies', () => {
  const addProxy = (delegate: Uint8Array, type: string, delay = 0) =>
    callOf('Proxy', 'add_proxy', { delegate: id(delegate), proxy_type: type, delay });
  const removeProxy = (delegate: Uint8Array, type: string) =>
    callOf('Proxy', 'remove_proxy', { delegate: id(delegate), proxy_type: type, delay: 0 });
  const asProxy = (real: Uint8Array, call: RuntimeCall, forced?: string) =>
    callOf('Proxy', 'proxy', { real: id(real), force_proxy_type: forced, call });

  it('act for another account as far as their type reaches, batches included', () => {
    const chain = new TestChain();
    const { alice, bob, carol } = chain.people;
    const remark = callOf('System', 'remark', { remark: Uint8Array.of(1) });
    const send = transferTo(carol, ALICE_UNIT);
    assertNoop(chain, bob, asProxy(alice.publicKey, remark), 'Proxy.NotProxy');
    assert.equal(chain.run(alice, addProxy(bob.publicKey, 'NonTransfer')), undefined);
    assert.equal(chain.account(alice).data.reserved, 12_000_000_000n);
    assertNoop(chain, bob, asProxy(alice.publicKey, send), 'Proxy.Unproxyable');
    assertNoop(chain, bob, asProxy(alice.publicKey, batch('batch', [remark, send])), 'Proxy.Unproxyable');
    const nested = asProxy(alice.publicKey, addProxy(carol.publicKey, 'Any'));
    assertNoop(chain, bob, nested, 'Proxy.Unproxyable');
    assert.equal(chain.run(bob, asProxy(alice.publicKey, batch('batch', [remark]))), undefined);
    assert.deepEqual(chain.eventsNamed('Proxy', 'ProxyExecuted'), [{ result: { ok: undefined } }]);
    assertNoop(chain, bob, asProxy(alice.publicKey, remark, 'Any'), 'Proxy.NotProxy');
    assert.equal(chain.run(alice, addProxy(bob.publicKey, 'Any')), undefined);
    assert.equal(chain.run(bob, asProxy(alice.publicKey, send)), undefined);
    assert.equal(chain.free(carol), ALICE_UNIT);
  });

  it('hold a deposit that comes back', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    assertNoop(chain, alice, addProxy(alice.publicKey, 'Any'), 'Proxy.NoSelfProxy');
    assertNoop(chain, alice, addProxy(bob.publicKey, 'Any', 3), 'Proxy.Unannounced');
    assertNoop(chain, alice, removeProxy(bob.publicKey, 'Any'), 'Proxy.NotFound');
    assert.equal(chain.run(alice, addProxy(bob.publicKey, 'Any')), undefined);
    assertNoop(chain, alice, addProxy(bob.publicKey, 'Any'), 'Proxy.Duplicate');
    assert.equal(chain.run(alice, addProxy(bob.publicKey, 'Staking')), undefined);
    assert.equal(proxies.get(chain.access, alice.publicKey)[1], 14_000_000_000n);
    assert.equal(chain.run(alice, removeProxy(bob.publicKey, 'Any')), undefined);
    assert.equal(chain.account(alice).data.reserved, 12_000_000_000n);
    assert.equal(chain.run(alice, callOf('Proxy', 'remove_proxies', {})), undefined);
    assert.equal(chain.account(alice).data.reserved, 0n);
    const many = Array.from({ length: 32 }, (_, i) => addProxy(new Uint8Array(32).fill(i + 1), 'Any'));
    assert.equal(chain.run(alice, batch('batch_all', many)), undefined);
    assertNoop(chain, alice, addProxy(bob.publicKey, 'Any'), 'Proxy.TooMany');
  });
});

/** @file Blocks and validity: signatures, nonces, lifetimes, limits, determinism, and bytes from strangers. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  compareBytes,
  type HexString,
  initCrypto,
  isCodedError,
  keyPairFromSecret,
  toHex,
} from '@alice/protocol';
import fc from 'fast-check';
import type { InvalidReason } from '../interface.js';
import { EXISTENTIAL_DEPOSIT } from '../pallets/balances/ledger.js';
import { emittedBy } from '../pallets/proofOfGradient/emission.js';
import { BLOCK_HASH_COUNT } from '../pallets/system/limits.js';
import { blockHash } from '../pallets/system/storage.js';
import { feeOf } from '../pallets/transactionPayment/fees.js';
import { bytes } from '../scale/collections.js';
import { decode, encode } from '../scale/ScaleType.js';
import { ALICE_UNIT, callOf, GENESIS_MS, reportOf, TestChain, transferTo } from '../testing.js';
import { timeOf } from '../weights/timeOf.js';
import { birthOf } from './era.js';
import { bareExtrinsic, decodeExtrinsic, signedExtrinsic } from './extrinsic.js';

before(initCrypto);

const reasonOf = (chain: TestChain, extrinsic: Uint8Array): InvalidReason | undefined => {
  const validity = chain.runtime.validate(chain.view, extrinsic);
  return validity.valid ? undefined : validity.reason;
};

/** The extrinsic is refused by the pool and dropped by a block for the same reason, and the block is as if empty. */
function assertInvalid(chain: TestChain, extrinsic: Uint8Array, reason: InvalidReason): void {
  assert.equal(reasonOf(chain, extrinsic), reason);
  const input = {
    number: chain.number + 1,
    parentHash: chain.hashes.at(-1)!,
    timestampMs: chain.nowMs + 1n,
    extrinsics: [],
  };
  const empty = chain.runtime.buildBlock(chain.view, input);
  const offered = chain.runtime.buildBlock(chain.view, { ...input, extrinsics: [extrinsic] });
  assert.deepEqual(
    offered.dropped.map((drop) => drop.reason),
    [reason],
  );
  assert.deepEqual({ ...offered, dropped: [] }, empty, `${reason} left a trace`);
}

describe('signatures', () => {
  it('are refused when forged, tampered with, or made for another chain or version', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    const call = transferTo(bob, 1n);
    const other = `0x${'ab'.repeat(32)}` as HexString;
    const good = chain.sign(alice, call);
    assert.equal(reasonOf(chain, good), undefined);
    const parts = decodeExtrinsic(good);
    assert.ok(parts.kind === 'signed');
    const byBob = { ...parts, address: { type: 'Id', value: bob.publicKey } } as const;
    assertInvalid(chain, signedExtrinsic(byBob, parts.extraBytes, parts.callBytes), 'BadProof');
    const zeros = { ...parts, signature: { type: 'Sr25519', value: new Uint8Array(64) } } as const;
    assertInvalid(chain, signedExtrinsic(zeros, parts.extraBytes, parts.callBytes), 'BadProof');
    assertInvalid(chain, chain.sign(alice, call, { additional: { CheckGenesis: other } }), 'BadProof');
    assertInvalid(chain, chain.sign(alice, call, { additional: { CheckSpecVersion: 99 } }), 'BadProof');
    assertInvalid(chain, chain.sign(alice, call, { additional: { CheckTxVersion: 2 } }), 'BadProof');
    assertInvalid(chain, chain.sign(alice, call, { birthHash: other }), 'BadProof');
    const tail = good.slice();
    tail[tail.length - 1]! ^= 4; // the amount
    assertInvalid(chain, tail, 'BadProof');
  });

  it('must be sr25519 by a known kind of address, and never by the zero key', () => {
    const chain = new TestChain();
    const parts = decodeExtrinsic(chain.sign(chain.people.alice, transferTo(chain.people.bob, 1n)));
    assert.ok(parts.kind === 'signed');
    const rebuilt = (change: object) =>
      signedExtrinsic({ ...parts, ...change }, parts.extraBytes, parts.callBytes);
    assertInvalid(chain, rebuilt({ signature: { type: 'Ed25519', value: new Uint8Array(64) } }), 'BadSigner');
    assertInvalid(chain, rebuilt({ signature: { type: 'Ecdsa', value: new Uint8Array(65) } }), 'BadSigner');
    assertInvalid(chain, rebuilt({ address: { type: 'Address20', value: new Uint8Array(20) } }), 'BadSigner');
    const zero = {
      address: { type: 'Id', value: new Uint8Array(32) },
      signature: { type: 'Sr25519', value: new Uint8Array(64) },
    };
    assertInvalid(chain, rebuilt(zero), 'BadSigner');
  });

  it('over more than 256 bytes cover the hash of the payload', () => {
    const chain = new TestChain();
    const remark = callOf('System', 'remark', { remark: new Uint8Array(1_000).fill(7) });
    assert.equal(chain.run(chain.people.alice, remark), undefined);
  });
});

describe('nonces', () => {
  it('in the past are stale; in the future they wait in the pool and stay out of blocks', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    const call = transferTo(bob, 1n);
    const first = chain.sign(alice, call);
    chain.build([first]);
    assertInvalid(chain, first, 'Stale');
    const next = chain.runtime.validate(chain.view, chain.sign(alice, call, { nonce: 1 }));
    const future = chain.sign(alice, call, { nonce: 3 });
    const later = chain.runtime.validate(chain.view, future);
    assert.ok(next.valid && later.valid);
    assert.deepEqual(next.requires, []);
    assert.equal(later.requires.length, 1);
    assert.deepEqual(
      chain.build([future]).dropped.map(({ reason }) => reason),
      ['Future'],
    );
    const middle = chain.runtime.validate(chain.view, chain.sign(alice, call, { nonce: 2 }));
    assert.ok(middle.valid);
    assert.deepEqual(middle.requires, next.provides);
    assert.deepEqual(later.requires, middle.provides);
  });

  it('run on inside a block, and the same extrinsic counts once', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    const [a, b, c] = [0, 1, 2].map((nonce) => chain.sign(alice, transferTo(bob, 1n), { nonce }));
    const { results, dropped } = chain.build([a!, b!, a!, c!]);
    assert.equal(results.length, 4);
    assert.deepEqual(
      dropped.map(({ reason }) => reason),
      ['Stale'],
    );
    assert.equal(chain.account(alice).nonce, 3);
  });
});

describe('mortal transactions', () => {
  it('live in their era and no longer; their birth may be the newest block', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    for (let i = 0; i < 7; i++) chain.build();
    const era = { period: 4, phase: chain.number % 4 };
    const birth = birthOf(era, chain.number);
    assert.equal(birth, chain.number);
    const extrinsic = chain.sign(alice, transferTo(bob, 1n), { era, birthHash: chain.hashes[birth]! });
    const validity = chain.runtime.validate(chain.view, extrinsic);
    assert.ok(validity.valid);
    assert.equal(validity.longevity, 3n);
    assert.equal(chain.build([extrinsic]).results.length, 2);
    // Signed for other metadata than this runtime's, as by a wallet that was shown something else.
    const enabled = { metadataHashMode: 'Enabled' } as const;
    assertInvalid(chain, chain.sign(alice, transferTo(bob, 1n), enabled), 'BadProof');
    const other = { CheckMetadataHash: new Uint8Array(32) };
    assertInvalid(
      chain,
      chain.sign(alice, transferTo(bob, 1n), { ...enabled, additional: other }),
      'BadProof',
    );
    const late = chain.sign(alice, transferTo(bob, 1n), { era, birthHash: chain.hashes[birth]! });
    for (let i = 0; i < 3; i++) chain.build();
    assertInvalid(chain, late, 'BadProof');
  });

  it('cannot be born in a block whose hash is forgotten', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    for (let number = 1; number <= 6; number++) chain.build();
    const era = { period: 8, phase: 2 };
    const extrinsic = chain.sign(alice, transferTo(bob, 1n), { era, birthHash: chain.hashes[2]! });
    assert.equal(reasonOf(chain, extrinsic), undefined);
    chain.state.delete(blockHash.keyOf(2).hex);
    delete chain.hashes[2];
    assertInvalid(chain, extrinsic, 'AncientBirthBlock');
  });

  it('block hashes are kept for BlockHashCount blocks', () => {
    const chain = new TestChain();
    const { state } = chain;
    const last = BLOCK_HASH_COUNT + 3;
    for (let number = 1; number <= last; number++) {
      const input = {
        number,
        parentHash: chain.hashes[0]!,
        timestampMs: GENESIS_MS + BigInt(number),
        extrinsics: [],
      };
      for (const [key, value] of chain.runtime.buildBlock(chain.view, input).changes) {
        if (value) state.set(key, value);
        else state.delete(key);
      }
    }
    const kept = [...state.keys()].filter((key) => key.startsWith(blockHash.prefix().hex));
    assert.equal(kept.length, BLOCK_HASH_COUNT + 1);
    assert.deepEqual(
      [0, 1, 2, 3].map((n) => state.has(blockHash.keyOf(n).hex)),
      [true, false, false, true],
    );
  });
});

describe('any history of transfers and epochs', () => {
  it('keeps every invariant, and issuance grows by exactly what epochs mint', () => {
    const order = fc.record({
      signer: fc.nat(2),
      to: fc.nat(2),
      planck: fc.bigInt({ min: 0n, max: 2_000n * ALICE_UNIT }),
    });
    const report = fc.record({
      scores: fc.array(fc.bigInt({ min: 0n, max: 9n }), { minLength: 3, maxLength: 3 }),
      ahead: fc.nat(1),
    });
    const step = fc.oneof(order, report);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const chain = new TestChain();
        const { alice, carol, server } = chain.people;
        const people = [alice, carol, server].sort((a, b) => compareBytes(a.publicKey, b.publicKey));
        const start = chain.issuance;
        let minted = 0n;
        let epoch = 0;
        for (const now of steps) {
          const call =
            'scores' in now
              ? reportOf(
                  epoch + now.ahead,
                  now.scores.map((score, i) => ({ account: people[i]!.publicKey, role: 'Training', score })),
                )
              : transferTo(people[now.to]!, now.planck);
          const signer = 'scores' in now ? server : people[now.signer]!;
          chain.build([chain.sign(signer, call)], 60_000n);
          for (const event of chain.eventsNamed('ProofOfGradient', 'EpochSettled')) {
            minted += (event as { minted: bigint }).minted;
            epoch++;
          }
          assert.equal(chain.issuance, start + minted);
          assert.ok(minted <= emittedBy(GENESIS_MS, chain.nowMs));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('fees', () => {
  it('must be payable from what the account holds above the existential deposit', () => {
    const chain = new TestChain({ balances: [] });
    const poor = keyPairFromSecret('//Poor');
    assertInvalid(chain, chain.sign(poor, transferTo(chain.people.bob, 1n)), 'Payment');
    const length = chain.sign(poor, transferTo(poor, 0n)).length;
    const funded = (planck: bigint) => new TestChain({ balances: [{ account: poor.publicKey, planck }] });
    const enough = feeOf(length, timeOf('Balances.transfer_allow_death')) + EXISTENTIAL_DEPOSIT;
    const almost = funded(enough - 1n);
    assertInvalid(almost, almost.sign(poor, transferTo(poor, 0n)), 'Payment');
    const just = funded(enough);
    assert.equal(just.run(poor, transferTo(poor, 0n)), undefined);
  });

  it('rank a transaction by its tip, and reports of the parameter server above all tips', () => {
    const chain = new TestChain();
    const { alice, bob, server } = chain.people;
    const priority = (extrinsic: Uint8Array): bigint => {
      const validity = chain.runtime.validate(chain.view, extrinsic);
      assert.ok(validity.valid);
      return validity.priority;
    };
    assert.equal(priority(chain.sign(alice, transferTo(bob, 1n), { tip: 12n })), 12n);
    assert.ok(
      priority(chain.sign(server, reportOf(0, []))) >
        priority(chain.sign(alice, transferTo(bob, 1n), { tip: 999n * ALICE_UNIT })),
    );
    assert.equal(
      priority(chain.sign(alice, reportOf(0, []))),
      0n,
      'a stranger bought first place with a report',
    );
  });
});

describe('limits', () => {
  it('refuse an extrinsic of more than a mebibyte and stop when the block is full', () => {
    const chain = new TestChain();
    const { alice, bob } = chain.people;
    assertInvalid(
      chain,
      chain.sign(alice, callOf('System', 'remark', { remark: new Uint8Array(1_048_577) })),
      'ExhaustsResources',
    );
    const big = callOf('System', 'remark', { remark: new Uint8Array(1_000_000) });
    const offered = [0, 1, 2, 3, 4].map((nonce) => chain.sign(alice, big, { nonce }));
    const small = chain.sign(bob, transferTo(alice, 1n));
    const { results, dropped } = chain.build([...offered, small]);
    assert.equal(results.length, 5); // the inherent, three remarks (3.75 MiB), the transfer
    assert.deepEqual(
      dropped.map(({ reason }) => reason),
      ['ExhaustsResources', 'Future'],
    );
  });
});

describe('inherents', () => {
  it('come from the block alone', () => {
    const chain = new TestChain();
    const set = callOf('Timestamp', 'set', { now: GENESIS_MS + 99n });
    assertInvalid(chain, bareExtrinsic(set), 'BadMandatory');
    assertInvalid(chain, chain.sign(chain.people.alice, set), 'BadMandatory');
    assertInvalid(chain, bareExtrinsic(transferTo(chain.people.bob, 1n)), 'BadSigner');
    const { extrinsics } = chain.build();
    assert.deepEqual(decodeExtrinsic(extrinsics[0]!).call, callOf('Timestamp', 'set', { now: chain.nowMs }));
  });
});

describe('engine mistakes', () => {
  it('are refused with a code: a wrong number, time that does not advance', () => {
    const chain = new TestChain();
    const input = { number: 1, parentHash: chain.hashes[0]!, timestampMs: GENESIS_MS + 1n, extrinsics: [] };
    const code = (change: object): string | undefined => {
      try {
        chain.runtime.buildBlock(chain.view, { ...input, ...change });
        return undefined;
      } catch (error) {
        return isCodedError(error) ? error.info.code : 'not coded';
      }
    };
    assert.equal(code({}), undefined);
    assert.equal(code({ number: 2 }), 'BLOCK_NUMBER_WRONG');
    assert.equal(code({ timestampMs: GENESIS_MS }), 'TIMESTAMP_NOT_LATER');
  });
});

describe('bytes from strangers', () => {
  const chain = () => new TestChain();
  let shared: TestChain;
  before(() => {
    shared = chain();
  });

  const check = (extrinsic: Uint8Array): void => {
    const validity = shared.runtime.validate(shared.view, extrinsic);
    assert.equal(validity.hash.length, 66);
    if (!validity.valid && validity.reason === 'Call') return;
    // What decodes at all is the canonical encoding of what was decoded.
    const decoded = decodeExtrinsic(extrinsic);
    const again =
      decoded.kind === 'bare'
        ? bareExtrinsic(decoded.call)
        : signedExtrinsic(decoded, decoded.extraBytes, decoded.callBytes);
    assert.equal(toHex(again), toHex(extrinsic));
  };

  it('never throw: random bytes, with and without a right length and format', () => {
    const framed = fc
      .uint8Array({ maxLength: 300 })
      .map((body) => encode(bytes, Uint8Array.of(0x84, 0, ...body)));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), framed), check), { numRuns: 3_000 });
  });

  it('never throw: valid transactions with changed, removed or inserted bytes', () => {
    const { alice, server } = shared.people;
    const report = reportOf(0, [{ account: alice.publicKey, role: 'Training', score: 5n }]);
    const valid = [
      shared.sign(alice, transferTo(server, 5n)),
      shared.sign(server, report),
      shared.sign(alice, callOf('System', 'remark', { remark: new Uint8Array(9) })),
    ];
    const mutation = fc.record({
      which: fc.nat(2),
      at: fc.nat(400),
      kind: fc.constantFrom('change', 'remove', 'insert', 'cut'),
      byte: fc.nat(255),
      reframe: fc.boolean(),
    });
    fc.assert(
      fc.property(mutation, ({ which, at, kind, byte, reframe }) => {
        const whole = valid[which]!;
        const body = reframe ? [...decode(bytes, whole)] : [...whole];
        const place = at % body.length;
        if (kind === 'change') body[place] = byte;
        else if (kind === 'cut') body.length = place;
        else body.splice(place, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [byte] : []));
        const mutated = reframe ? encode(bytes, Uint8Array.from(body)) : Uint8Array.from(body);
        check(mutated);
        const isSame = toHex(mutated) === toHex(whole);
        assert.equal(
          shared.runtime.validate(shared.view, mutated).valid,
          isSame,
          'a changed transaction is valid',
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throw: correctly signed transactions of every call with random arguments, executed', () => {
    const { alice, server } = shared.people;
    const id = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const planck = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
    const dest = fc.oneof(
      id.map((value) => ({ type: 'Id', value })),
      fc.constant({ type: 'Index', value: undefined }),
      fc.uint8Array({ maxLength: 9 }).map((value) => ({ type: 'Raw', value })),
      id.map((value) => ({ type: 'Address32', value })),
    );
    const score = fc.record({
      account: id,
      role: fc.constantFrom('Training', 'Scoring', 'Infrastructure'),
      score: planck,
    });
    const calls = fc.oneof(
      fc
        .tuple(fc.constantFrom('transfer_allow_death', 'transfer_keep_alive'), dest, planck)
        .map(([name, to, value]) => callOf('Balances', name, { dest: to, value })),
      fc
        .tuple(dest, fc.boolean())
        .map(([to, keep_alive]) => callOf('Balances', 'transfer_all', { dest: to, keep_alive })),
      fc
        .tuple(fc.nat(2), fc.array(score, { maxLength: 4 }))
        .map(([epoch, scores]) => reportOf(epoch, scores)),
      fc.uint8Array({ maxLength: 500 }).map((remark) => callOf('System', 'remark', { remark })),
    );
    fc.assert(
      fc.property(fc.constantFrom(alice, server), calls, (signer, call) => {
        const fresh = chain();
        const { results, dropped } = fresh.build([fresh.sign(signer, call)]);
        assert.equal(results.length + dropped.length, 2);
      }),
      { numRuns: 80 },
    );
  });
});

describe('genesis', () => {
  it('refuses what would break an invariant, naming the field', () => {
    const { alice } = new TestChain().people;
    const fieldOf = (spec: object): string | undefined => {
      try {
        new TestChain(spec);
        return undefined;
      } catch (error) {
        return isCodedError(error) ? (error.info as { field?: string }).field : String(error);
      }
    };
    const holding = (planck: bigint) => ({ account: alice.publicKey, planck });
    assert.equal(fieldOf({}), undefined);
    assert.equal(fieldOf({ balances: [holding(1n)] }), 'balances');
    assert.equal(fieldOf({ balances: [holding(1_000n), holding(1_000n)] }), 'balances');
    assert.equal(fieldOf({ balances: [holding(21_000_001n * ALICE_UNIT)] }), 'balances');
    assert.equal(fieldOf({ balances: [{ account: new Uint8Array(31), planck: 1_000n }] }), 'balances');
    assert.equal(fieldOf({ parameterServer: new Uint8Array(32) }), 'parameterServer');
    assert.equal(fieldOf({ feeCollector: new Uint8Array(3) }), 'feeCollector');
    assert.equal(fieldOf({ timestampMs: -1n }), 'timestampMs');
  });
});

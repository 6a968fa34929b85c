/**
 * @file For this package's tests only: a chain in memory that signs, builds and checks. Every block is built twice and
 * must come out the same, and every state must satisfy all invariants, so each test checks determinism and `tryState`.
 */
import assert from 'node:assert/strict';
import {
  concatBytes,
  fromHex,
  type HexString,
  type KeyPair,
  keyPairFromSecret,
  toHex,
} from '@alice/protocol';
import { callRefTime } from './executive/checkExtrinsic.js';
import { createRuntime } from './executive/createRuntime.js';
import type { Era } from './executive/era.js';
import { isInherent, signedExtrinsic, signingPayload } from './executive/extrinsic.js';
import { type Additional, extraType } from './executive/signedExtensions.js';
import type {
  BlockOutput,
  ConsensusFacts,
  GenesisSpec,
  Runtime,
  StateChanges,
  StateView,
} from './interface.js';
import { totalIssuance } from './pallets/balances/storage.js';
import { account, blockNumber } from './pallets/system/storage.js';
import type { AccountInfo } from './pallets/system/types.js';
import { now } from './pallets/timestamp/index.js';
import { feeOf } from './pallets/transactionPayment/fees.js';
import { compactU32 } from './scale/primitives.js';
import { encode } from './scale/ScaleType.js';
import { ZERO_HASH } from './scale/substrateTypes.js';
import { blake2b256 } from './storage/hashing.js';
import { Overlay, type StateAccess } from './storage/Overlay.js';
import { SPEC_VERSION, TRANSACTION_VERSION } from './version.js';
import { declarationOf, events, type RuntimeCall, type RuntimeEvent, runtimeCall } from './wiring.js';

export const ALICE_UNIT = 10n ** 12n;
export const GENESIS_MS = 1_772_150_400_000n;

export interface Cast {
  readonly alice: KeyPair;
  readonly bob: KeyPair;
  readonly carol: KeyPair;
  readonly server: KeyPair;
  readonly collector: KeyPair;
}

let knownCast: Cast | undefined;

/** Well-known development keys, derived once. Call after `initCrypto()`. */
function cast(): Cast {
  const of = (name: string) => keyPairFromSecret(`//${name}`);
  knownCast ??= {
    alice: of('Alice'),
    bob: of('Bob'),
    carol: of('Carol'),
    server: of('Server'),
    collector: of('Collector'),
  };
  return knownCast;
}

/** How a transaction departs from a correct one. */
export interface SignOptions {
  readonly nonce?: number;
  readonly tip?: bigint;
  readonly era?: Era;
  readonly birthHash?: HexString;
  readonly metadataHashMode?: 'Disabled' | 'Enabled';
  readonly additional?: Partial<Additional>;
}

export class TestChain {
  readonly runtime: Runtime;
  readonly people = cast();
  readonly state = new Map<HexString, Uint8Array>();
  readonly hashes: HexString[] = [hashOfBlock(0, ZERO_HASH)];
  readonly view: StateView = { get: (key) => this.state.get(toHex(key)) };
  nowMs = GENESIS_MS;
  /** Builds every block a second time; knows no hashes but the state's. */
  readonly #other = createRuntime();

  constructor(spec: Partial<GenesisSpec> = {}) {
    const { alice, bob, server, collector } = this.people;
    const blockHash = (number: number) => this.hashes[number];
    this.runtime = createRuntime({ genesisHash: () => this.hashes[0], blockHash });
    this.#apply(
      this.runtime.buildGenesis({
        chainName: 'test',
        timestampMs: GENESIS_MS,
        balances: [alice, bob, server].map(({ publicKey }) => ({
          account: publicKey,
          planck: 1_000n * ALICE_UNIT,
        })),
        parameterServer: server.publicKey,
        feeCollector: collector.publicKey,
        ...spec,
      }),
    );
  }

  /** Builds the next block, twice, checks both and the new state, and moves on. */
  build(extrinsics: readonly Uint8Array[] = [], elapsedMs = 3_000n, consensus?: ConsensusFacts): BlockOutput {
    const number = this.number + 1;
    const input = {
      number,
      parentHash: this.hashes[number - 1]!,
      timestampMs: this.nowMs + elapsedMs,
      extrinsics,
      ...(consensus ? { consensus } : {}),
    };
    const output = this.runtime.buildBlock(this.view, input);
    const other = this.#other;
    assert.deepEqual(
      other.buildBlock(this.view, input),
      output,
      'building a block again gives another result',
    );
    const replay = other.buildBlock(this.view, {
      ...input,
      extrinsics: output.extrinsics.filter((bytes) => !isInherent(bytes)),
    });
    assert.deepEqual(replay.changes, output.changes, 'replaying a block gives other changes');
    assert.deepEqual(
      [...output.changes.keys()],
      [...output.changes.keys()].sort(),
      'changes are not in key order',
    );
    this.#apply(output.changes);
    this.nowMs = input.timestampMs;
    this.hashes.push(hashOfBlock(number, input.parentHash));
    assert.deepEqual(this.runtime.tryState(this.state), []);
    return output;
  }

  /** Builds a block with one call and returns its error. */
  run(signer: KeyPair, call: RuntimeCall, elapsedMs?: bigint): string | undefined {
    const { results, dropped } = this.build([this.sign(signer, call)], elapsedMs);
    assert.deepEqual(dropped, []);
    return results[1]!.error;
  }

  sign(signer: KeyPair, call: RuntimeCall, options: SignOptions = {}): Uint8Array {
    const callBytes = encode(runtimeCall, call);
    const extraBytes = encode(extraType, {
      CheckNonZeroSender: undefined,
      CheckSpecVersion: undefined,
      CheckTxVersion: undefined,
      CheckGenesis: undefined,
      CheckMortality: options.era,
      CheckNonce: options.nonce ?? this.account(signer).nonce,
      CheckWeight: undefined,
      ChargeTransactionPayment: options.tip ?? 0n,
      CheckMetadataHash: { mode: options.metadataHashMode ?? 'Disabled' },
    });
    const payload = signingPayload(callBytes, extraBytes, {
      CheckNonZeroSender: undefined,
      CheckSpecVersion: SPEC_VERSION,
      CheckTxVersion: TRANSACTION_VERSION,
      CheckGenesis: this.hashes[0]!,
      CheckMortality: options.birthHash ?? this.hashes[0]!,
      CheckNonce: undefined,
      CheckWeight: undefined,
      ChargeTransactionPayment: undefined,
      CheckMetadataHash: undefined,
      ...options.additional,
    });
    const address = { type: 'Id', value: signer.publicKey } as const;
    const signature = { type: 'Sr25519', value: signer.sign(payload) } as const;
    return signedExtrinsic({ address, signature }, extraBytes, callBytes);
  }

  get access(): StateAccess {
    return new Overlay(this.view);
  }

  get number(): number {
    return blockNumber.get(this.access);
  }

  get issuance(): bigint {
    return totalIssuance.get(this.access);
  }

  account({ publicKey }: Pick<KeyPair, 'publicKey'>): AccountInfo {
    return account.get(this.access, publicKey);
  }

  free(who: Pick<KeyPair, 'publicKey'>): bigint {
    return this.account(who).data.free;
  }

  /** Events of the last block, in order. */
  get events(): readonly RuntimeEvent[] {
    return events.get(this.access).map(({ event }) => event);
  }

  eventsNamed(pallet: string, name: string): readonly unknown[] {
    return this.events
      .filter(({ type, value }) => type === pallet && value.type === name)
      .map(({ value }) => value.value);
  }

  #apply(changes: StateChanges): void {
    for (const [key, value] of changes) {
      if (value === null) this.state.delete(key);
      else this.state.set(key, value);
    }
  }
}

/** A call by pallet and name. */
export function callOf(pallet: string, name: string, args: object): RuntimeCall {
  return { type: pallet, value: { type: name, value: args } };
}

export function transferTo(
  { publicKey }: Pick<KeyPair, 'publicKey'>,
  value: bigint,
  name = 'transfer_allow_death',
): RuntimeCall {
  return callOf('Balances', name, { dest: { type: 'Id', value: publicKey }, value });
}

/** A settlement report with harmless facts. */
export function reportOf(epoch: number, scores: readonly object[], facts: object = {}): RuntimeCall {
  return callOf('ProofOfGradient', 'submit_epoch', {
    epoch,
    from_version: 0,
    to_version: 1,
    state_root: ZERO_HASH,
    held_out_loss: 10_825_000_000n,
    shards_covered: 1,
    receipts_root: ZERO_HASH,
    scores,
    ...facts,
  });
}

/**
 * The call fails with exactly this error and changes nothing but the signer's nonce and the fee, which the collector
 * receives (CHAIN-5).
 */
export function assertNoop(chain: TestChain, signer: KeyPair, call: RuntimeCall, error: string): void {
  const { collector } = chain.people;
  const before = withoutBookkeeping(chain, [signer, collector]);
  const signerBefore = chain.account(signer);
  const collectorBefore = chain.account(collector);
  const extrinsic = chain.sign(signer, call);
  const { results } = chain.build([extrinsic]);
  assert.equal(results[1]?.error, error);
  assert.deepEqual(
    withoutBookkeeping(chain, [signer, collector]),
    before,
    `${error} left a trace in the state`,
  );
  const fee = feeOfCall(extrinsic, call);
  const after = {
    ...signerBefore,
    nonce: signerBefore.nonce + 1,
    data: { ...signerBefore.data, free: signerBefore.data.free - fee },
  };
  assert.deepEqual(chain.account(signer), after);
  assert.equal(chain.account(collector).data.free, collectorBefore.data.free + fee);
  assert.equal(chain.eventsNamed('System', 'ExtrinsicFailed').length, 1);
}

/** What the chain takes for this extrinsic, whose call is `call`. */
export function feeOfCall(extrinsic: Uint8Array, call: RuntimeCall): bigint {
  return feeOf(extrinsic.length, callRefTime(declarationOf(call), call.value.value));
}

/** The state without block bookkeeping (System, Timestamp) and without these accounts. */
function withoutBookkeeping(chain: TestChain, without: readonly KeyPair[]): Map<HexString, Uint8Array> {
  const skipped = [account, now].map((item) => item.prefix().hex.slice(0, PALLET_PREFIX_DIGITS));
  const accounts = account.prefix().hex;
  const own = without.map(({ publicKey }) => account.keyOf(publicKey).hex);
  const kept = [...chain.state].filter(([key]) =>
    key.startsWith(accounts) ? !own.includes(key) : !skipped.some((prefix) => key.startsWith(prefix)),
  );
  return new Map(kept);
}

/** "0x" and the sixteen bytes that all keys of a pallet begin with. */
const PALLET_PREFIX_DIGITS = 34;

/** Hash of a header whose roots are zero, so that clients that hash headers themselves get the same. */
function hashOfBlock(number: number, parent: HexString): HexString {
  const header = concatBytes(
    fromHex(parent),
    encode(compactU32, number),
    new Uint8Array(64),
    Uint8Array.of(0),
  );
  return toHex(blake2b256(header));
}

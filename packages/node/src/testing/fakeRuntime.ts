/**
 * @file A tiny runtime for tests of the engine and the store: an extrinsic is `signer, nonce, priority, operation, key,
 * value…`, one byte each, and its effect is one state entry. It has none of the real chain's rules.
 */
import { concatBytes, type HexString, toHex, utf8 } from '@alice/protocol';
import type {
  BlockInput,
  BlockOutput,
  ExtrinsicResult,
  InvalidReason,
  Runtime,
  StateView,
  Validity,
} from '@alice/runtime';
import { u32le } from '../scale.js';
import { blake2 } from '../trie/blake2.js';

/** What a fake extrinsic does when it runs. `drop` is valid in the pool but not in a block; `fault` throws. */
export const OPERATION = { set: 0, fail: 1, drop: 2, fault: 3, clear: 4 } as const;

export interface FakeCall {
  readonly signer: number;
  readonly nonce: number;
  readonly priority?: number;
  readonly operation?: keyof typeof OPERATION;
  readonly key?: number;
  readonly value?: Uint8Array;
}

export function fakeExtrinsic(call: FakeCall): Uint8Array {
  const { signer, nonce, priority = 0, operation = 'set', key = 0, value = new Uint8Array() } = call;
  return concatBytes(Uint8Array.of(signer, nonce, priority, OPERATION[operation], key), value);
}

export const fakeAccount = (signer: number): Uint8Array => new Uint8Array(32).fill(signer);
export const fakeKey = (key: number): Uint8Array => concatBytes(utf8.encode('value/'), Uint8Array.of(key));
const nonceKey = (account: Uint8Array): Uint8Array => concatBytes(utf8.encode('nonce/'), account);
const hashOf = (extrinsic: Uint8Array): HexString => toHex(blake2(extrinsic));

/** The state during a block: committed values with the block's own on top. */
class Overlay implements StateView {
  readonly changes = new Map<HexString, Uint8Array | null>();
  readonly #below: StateView;

  constructor(below: StateView) {
    this.#below = below;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const changed = this.changes.get(toHex(key));
    return changed === undefined ? this.#below.get(key) : (changed ?? undefined);
  }

  set(key: Uint8Array, value: Uint8Array | null): void {
    this.changes.set(toHex(key), value);
  }
}

function nonceOf(state: StateView, account: Uint8Array): number {
  const bytes = state.get(nonceKey(account));
  return bytes ? new DataView(bytes.buffer).getUint32(0, true) : 0;
}

function applied(state: Overlay, extrinsic: Uint8Array): ExtrinsicResult | InvalidReason {
  const [signer = 0, nonce = 0, , operation, key = 0] = extrinsic;
  if (operation === OPERATION.fault) throw new Error('fake fault');
  if (operation === OPERATION.drop) return 'Payment';
  const expected = nonceOf(state, fakeAccount(signer));
  if (nonce !== expected) return nonce < expected ? 'Stale' : 'Future';
  state.set(nonceKey(fakeAccount(signer)), u32le(nonce + 1));
  const hash = hashOf(extrinsic);
  if (operation === OPERATION.fail) return { hash, error: 'Fake.Failed' };
  state.set(fakeKey(key), operation === OPERATION.clear ? null : extrinsic.slice(5));
  return { hash, error: undefined };
}

function buildBlock(below: StateView, input: BlockInput): BlockOutput {
  const state = new Overlay(below);
  const inherent = utf8.encode(`time ${input.timestampMs}`);
  state.set(utf8.encode('time'), inherent);
  const extrinsics = [inherent];
  const results: ExtrinsicResult[] = [{ hash: hashOf(inherent), error: undefined }];
  const dropped: { hash: HexString; reason: InvalidReason }[] = [];
  for (const extrinsic of input.extrinsics) {
    const result = applied(state, extrinsic);
    if (typeof result === 'string') {
      dropped.push({ hash: hashOf(extrinsic), reason: result });
      continue;
    }
    extrinsics.push(extrinsic);
    results.push(result);
  }
  return { changes: state.changes, extrinsics, results, dropped };
}

function validate(state: StateView, extrinsic: Uint8Array): Validity {
  const hash = hashOf(extrinsic);
  if (extrinsic.length < 5) return { valid: false, hash, reason: 'Call' };
  const [signer = 0, nonce = 0, priority = 0] = extrinsic;
  const account = fakeAccount(signer);
  const expected = nonceOf(state, account);
  if (nonce < expected) return { valid: false, hash, reason: 'Stale' };
  const tag = (n: number): Uint8Array => Uint8Array.of(signer, n);
  return {
    valid: true,
    hash,
    signer: account,
    nonce,
    priority: BigInt(priority),
    requires: nonce > expected ? [tag(nonce - 1)] : [],
    provides: [tag(nonce)],
    longevity: 64n,
  };
}

export function fakeRuntime(): Runtime {
  return {
    versionJson: { specName: 'fake', specVersion: 1 },
    metadata: () => new Uint8Array(),
    buildGenesis: ({ chainName }) => new Map([[toHex(utf8.encode('name')), utf8.encode(chainName)]]),
    buildBlock,
    validate,
    call: (state, method, data) =>
      method === 'AccountNonceApi_account_nonce' ? u32le(nonceOf(state, data)) : undefined,
    tryState: () => [],
  };
}

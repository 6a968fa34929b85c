/**
 * @file What a block engine may ask of the runtime, and nothing else. The runtime is a pure, synchronous function of
 * state, block and transactions: no clock, no randomness, no floating point, no I/O (CHAIN-5). Engines own blocks,
 * headers, the state trie, the pool and storage.
 */
import type { HexString } from '@alice/protocol';
import type { StakingRules } from './pallets/staking/rules.js';

/** Reads committed state. Keys and values are raw bytes as Substrate lays them out. */
export interface StateView {
  get(key: Uint8Array): Uint8Array | undefined;
}

/** What a block (or genesis) changed: storage key in hex → new value, or `null` where the key was removed. */
export type StateChanges = ReadonlyMap<HexString, Uint8Array | null>;

/** What genesis holds. Balances are in planck; times in milliseconds since 1970. */
export interface GenesisSpec {
  readonly chainName: string;
  /** Start of the emission schedule; also the timestamp of block 0. */
  readonly timestampMs: bigint;
  /** Minimal balances for fees only (CHAIN-1: zero premine). 32-byte account ids. */
  readonly balances: readonly { readonly account: Uint8Array; readonly planck: bigint }[];
  /** The account whose epoch reports are accepted. */
  readonly parameterServer: Uint8Array;
  /** The account that collects fees and dust, so that total issuance = genesis + sum of epochs. */
  readonly feeCollector: Uint8Array;
  /** Validators of the first session; without any, the validators are not the runtime's business until it is told. */
  readonly validators?: readonly GenesisValidator[];
  /** The key that may use `Sudo` until it is removed; without one there is no root. */
  readonly sudo?: Uint8Array;
  /** Staking rules that differ from the defaults. */
  readonly staking?: Partial<StakingRules>;
}

export interface GenesisValidator {
  readonly account: Uint8Array;
  /** The ed25519 public key (32 bytes) that CometBFT signs votes with. */
  readonly consensusKey: Uint8Array;
  /** Bonded from the account's genesis balance; 0 for a validator that is trusted without a bond. */
  readonly stakePlanck: bigint;
}

/** A validator's key and voting power; power 0 removes it. What CometBFT calls a validator update. */
export interface ValidatorUpdate {
  /** ed25519, 32 bytes. */
  readonly consensusKey: Uint8Array;
  readonly power: bigint;
}

/** Proven misbehaviour as consensus reports it: checked and agreed before the runtime sees it. */
export interface Evidence {
  readonly kind: 'DuplicateVote' | 'LightClientAttack';
  /** Consensus address: the first 20 bytes of SHA-256 of the ed25519 key. */
  readonly offender: Uint8Array;
  /** The block at which it happened. */
  readonly height: bigint;
}

/** What only consensus knows about a block; everything in it is agreed by the validators. */
export interface ConsensusFacts {
  /** Consensus address of the block's proposer. */
  readonly proposer?: Uint8Array;
  readonly evidence: readonly Evidence[];
  /** Consensus addresses of validators whose vote is missing from the parent's commit. */
  readonly absent: readonly Uint8Array[];
}

export interface BlockInput {
  readonly number: number;
  readonly parentHash: HexString;
  /** Consensus time of this block; must be greater than the parent's. */
  readonly timestampMs: bigint;
  readonly extrinsics: readonly Uint8Array[];
  /** Becomes inherents of the block, where there is anything to say; engines without votes leave it out. */
  readonly consensus?: ConsensusFacts;
}

export interface ExtrinsicResult {
  /** Blake2-256 of the extrinsic's bytes. */
  readonly hash: HexString;
  /** `undefined` when the call succeeded, else e.g. "Balances.InsufficientBalance". */
  readonly error: string | undefined;
}

export interface BlockOutput {
  readonly changes: StateChanges;
  /**
   * What the block contains: its inherents (time first; `isInherent` tells them), then every extrinsic that was
   * applied.
   */
  readonly extrinsics: readonly Uint8Array[];
  /** One per entry of `extrinsics`. */
  readonly results: readonly ExtrinsicResult[];
  /** Offered extrinsics that are not valid on this state, with the reason; they are not in the block. */
  readonly dropped: readonly { readonly hash: HexString; readonly reason: InvalidReason }[];
  /** New voting powers that this block decides; left out when nothing changes. */
  readonly validatorUpdates?: readonly ValidatorUpdate[];
}

export type InvalidReason =
  | 'Call'
  | 'Payment'
  | 'Future'
  | 'Stale'
  | 'BadProof'
  | 'AncientBirthBlock'
  | 'ExhaustsResources'
  | 'BadSigner'
  | 'BadMandatory';

export type Validity =
  | {
      readonly valid: true;
      readonly hash: HexString;
      readonly signer: Uint8Array;
      readonly nonce: number;
      readonly priority: bigint;
      readonly requires: readonly Uint8Array[];
      readonly provides: readonly Uint8Array[];
      readonly longevity: bigint;
    }
  | { readonly valid: false; readonly hash: HexString; readonly reason: InvalidReason };

/** The state machine behind an engine. Every method is deterministic and synchronous. */
export interface Runtime {
  /** For `state_getRuntimeVersion`: camelCase JSON as Substrate prints it. */
  readonly versionJson: Readonly<Record<string, unknown>>;
  /** SCALE metadata with its magic prefix, versions 14 and 15. */
  metadata(version: 14 | 15): Uint8Array;
  buildGenesis(spec: GenesisSpec): StateChanges;
  /** Executes a block over `state`. Never throws for bad extrinsics: they are dropped. */
  buildBlock(state: StateView, input: BlockInput): BlockOutput;
  /**
   * Validity of one extrinsic on top of `state`, its signature included. A nonce above the account's is valid but
   * `requires` the one before it; the pool orders by that.
   */
  validate(state: StateView, extrinsic: Uint8Array): Validity;
  /** `state_call`: SCALE in, SCALE out; `undefined` for an unknown runtime API. */
  call(state: StateView, method: string, data: Uint8Array): Uint8Array | undefined;
  /** Checks every invariant on a full state (sum of balances = issuance ≤ cap, …); returns the violations. */
  tryState(entries: Iterable<readonly [HexString, Uint8Array]>): string[];
}

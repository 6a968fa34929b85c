/**
 * @file What the RPC layer may ask of a block engine, whoever decides the blocks (CHAIN-6): the embedded solo engine
 * today, CometBFT behind the same interface later. An engine owns the transaction pool and block production; the
 * chain it extends is read directly.
 */
import type { HexString } from '@alice/protocol';
import type { InvalidReason } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';

/** Milliseconds since 1970. Injected: only the engine's caller decides what time it is. */
export type Clock = () => number;

/** What happens to one extrinsic, in Substrate's words. `inBlock` always comes before `finalized`. */
export type ExtrinsicEvent =
  | { readonly kind: 'future' | 'ready' | 'dropped' }
  | { readonly kind: 'invalid'; readonly reason: InvalidReason }
  | { readonly kind: 'usurped'; readonly by: HexString }
  | { readonly kind: 'inBlock' | 'finalized'; readonly blockHash: HexString };

/** The last word on an extrinsic's fate, also after it left the pool. */
export type ExtrinsicStatus =
  | { readonly status: 'unknown' }
  | { readonly status: 'pool' }
  | { readonly status: 'dropped'; readonly reason: string }
  | {
      readonly status: 'included';
      readonly blockHash: HexString;
      readonly blockNumber: number;
      /** Set when the call failed, e.g. "Balances.InsufficientBalance"; the fee was paid all the same. */
      readonly error?: string;
    };

export interface EngineHealth {
  readonly poolCount: number;
  readonly poolBytes: number;
  readonly headAgeMs: number;
  readonly blockTimeMs: number;
  /** Why the last attempt to produce a block failed; `undefined` when it did not. */
  readonly lastError: string | undefined;
}

export type Unsubscribe = () => void;

export interface BlockEngine {
  readonly chain: Chain;
  /** The newest block that can never be undone. */
  readonly finalized: Block;
  /** Takes an extrinsic into the pool; answers its hash. Rejects with `RPC_REFUSED` and Substrate's number. */
  submit(extrinsic: Uint8Array): Promise<HexString>;
  pending(): readonly Uint8Array[];
  /** The first nonce of the account that neither the state nor the pool has used. */
  nextNonce(account: Uint8Array): number;
  statusOf(hash: HexString): ExtrinsicStatus;
  /** Events of one extrinsic from now on; watch before submitting. */
  watch(hash: HexString, listener: (event: ExtrinsicEvent) => void): Unsubscribe;
  onBlock(listener: (block: Block) => void): Unsubscribe;
  onFinalized(listener: (block: Block) => void): Unsubscribe;
  health(): EngineHealth;
  /** Stops producing blocks. The chain's store is closed by whoever opened it. */
  close(): void;
}

/**
 * @file The embedded block engine: one process that makes every block at a fixed pace. It owns the pool and the
 * clock's only use; execution is the runtime's, sealing and storing the chain's. A committed block is final; it is
 * announced as final one tick later, because clients lose "in block" when both arrive together.
 * Invariant: nothing in the pool or in any announcement changes before the block is on disk.
 */
import { type HexString, type Logger, messageOf, toHex } from '@alice/protocol';
import type { BlockInput, BlockOutput, InvalidReason, Runtime, Validity } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { RPC_CODE, rpcError } from '../errors.js';
import { bytesOfHex } from '../store/bytesOfHex.js';
import { blake2 } from '../trie/blake2.js';
import { BoundedMap } from './BoundedMap.js';
import { buildAround } from './buildAround.js';
import type {
  BlockEngine,
  Clock,
  EngineHealth,
  ExtrinsicEvent,
  ExtrinsicStatus,
  Unsubscribe,
} from './interface.js';
import { invalidTransaction } from './invalidTransaction.js';
import { Listeners } from './Listeners.js';
import { defaultPoolLimits, Pool, type PoolEntry, type PoolLimits } from './Pool.js';
import { Watchers } from './Watchers.js';

/** Runs an action after a delay; the answer cancels it. Injected so that tests never wait. */
export type Schedule = (action: () => void, delayMs: number) => Unsubscribe;

export interface SoloEngineOptions {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly blockTimeMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly poolLimits?: PoolLimits;
}

/** What one block may hold at most: below it, a block is built well within its time on one core. */
const BLOCK_LIMIT = { count: 1000, bytes: 5 * 2 ** 20 } as const;
/** How long after "in block" a block is announced as final. */
const FINALITY_DELAY_MS = 100;
/** No transaction stays in the pool for more blocks than this, whatever its own life time. */
const POOL_LIFETIME_BLOCKS = 1200;
const REMEMBERED_DROPS = 4096;
/** These may fit a later block; everything else that a block refuses leaves the pool. */
const KEPT_REASONS: ReadonlySet<InvalidReason> = new Set(['Future', 'ExhaustsResources']);

export class SoloEngine implements BlockEngine {
  readonly chain: Chain;
  readonly #options: SoloEngineOptions;
  readonly #pool: Pool;
  readonly #watchers: Watchers;
  readonly #blockListeners: Listeners<Block>;
  readonly #finalizedListeners: Listeners<Block>;
  readonly #dropped = new BoundedMap<HexString, string>(REMEMBERED_DROPS);
  readonly #banned = new BoundedMap<HexString, true>(REMEMBERED_DROPS);
  readonly #timers = new Set<Unsubscribe>();
  #finalized: Block;
  #lastError: string | undefined;

  constructor(options: SoloEngineOptions) {
    this.#options = options;
    this.chain = options.chain;
    this.#pool = new Pool(options.poolLimits ?? defaultPoolLimits);
    this.#watchers = new Watchers(options.log);
    this.#blockListeners = new Listeners(options.log);
    this.#finalizedListeners = new Listeners(options.log);
    this.#finalized = options.chain.head;
  }

  get finalized(): Block {
    return this.#finalized;
  }

  /** Begins to produce a block every `blockTimeMs`. A failed attempt is reported and tried again at the next one. */
  start(): void {
    const { clock, blockTimeMs, log } = this.#options;
    let spentMs = 0;
    const tick = (): void => {
      const startedMs = clock();
      try {
        this.produceBlock();
        this.#lastError = undefined;
      } catch (error) {
        this.#lastError = messageOf(error);
        log.error('Block production failed', {
          error: this.#lastError,
          blockNumber: this.chain.head.header.number + 1,
        });
      }
      spentMs = Math.max(0, clock() - startedMs);
      again();
    };
    // A slow block shortens the pause before the next, but clients always get their turn.
    const again = (): void => this.#later(tick, Math.max(blockTimeMs / 4, blockTimeMs - spentMs));
    again();
  }

  /** Builds, commits and announces the next block from what the pool holds. Throws what storage throws. */
  produceBlock(): Block {
    const parent = this.chain.head;
    const nowMs = BigInt(Math.floor(this.#options.clock()));
    const timestampMs = nowMs > parent.timestampMs ? nowMs : parent.timestampMs + 1n;
    const frame = { number: parent.header.number + 1, parentHash: parent.hash, timestampMs };
    const inputOf = (entries: readonly PoolEntry[]): BlockInput => ({
      ...frame,
      extrinsics: entries.map((entry) => entry.extrinsic),
    });
    const offered = this.#pool.select(BLOCK_LIMIT);
    const { output, poison } = buildAround(offered, (entries) =>
      this.#options.runtime.buildBlock(this.chain.headState, inputOf(entries)),
    );
    const block = this.chain.append(inputOf([]), output);
    for (const entry of poison) this.#ban(entry);
    this.#settlePool(block, output, offered);
    this.#announce(block);
    return block;
  }

  submit(extrinsic: Uint8Array): HexString {
    const hash = toHex(blake2(extrinsic));
    if (this.#banned.get(hash))
      throw rpcError(RPC_CODE.temporarilyBanned, 'Transaction is temporarily banned', hash);
    if (this.#pool.has(hash)) throw rpcError(RPC_CODE.alreadyImported, 'Transaction Already Imported', hash);
    if (extrinsic.length > BLOCK_LIMIT.bytes) throw invalidTransaction('ExhaustsResources');
    const validity = this.#options.runtime.validate(this.chain.headState, extrinsic);
    if (!validity.valid) throw invalidTransaction(validity.reason);
    this.#enqueue(extrinsic, hash, validity);
    return hash;
  }

  pending(): readonly Uint8Array[] {
    return this.#pool.entries().map((entry) => entry.extrinsic);
  }

  nextNonce(account: Uint8Array): number {
    return this.#pool.nextNonce(toHex(account), this.#accountNonce(account));
  }

  statusOf(hash: HexString): ExtrinsicStatus {
    if (this.#pool.has(hash)) return { status: 'pool' };
    const place = this.chain.extrinsic(hash);
    const block = place && this.chain.blockByNumber(place.blockNumber);
    if (!place || !block) {
      const reason = this.#dropped.get(hash);
      return reason === undefined ? { status: 'unknown' } : { status: 'dropped', reason };
    }
    const error = block.results[place.index]?.error;
    const included = { status: 'included', blockHash: block.hash, blockNumber: place.blockNumber } as const;
    return error === undefined ? included : { ...included, error };
  }

  watch(hash: HexString, listener: (event: ExtrinsicEvent) => void): Unsubscribe {
    return this.#watchers.watch(hash, listener);
  }

  onBlock(listener: (block: Block) => void): Unsubscribe {
    return this.#blockListeners.add(listener);
  }

  onFinalized(listener: (block: Block) => void): Unsubscribe {
    return this.#finalizedListeners.add(listener);
  }

  health(): EngineHealth {
    const headAgeMs = Math.max(0, this.#options.clock() - Number(this.chain.head.timestampMs));
    const { count: poolCount, bytes: poolBytes } = this.#pool;
    return {
      poolCount,
      poolBytes,
      headAgeMs,
      blockTimeMs: this.#options.blockTimeMs,
      lastError: this.#lastError,
    };
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #enqueue(extrinsic: Uint8Array, hash: HexString, validity: Validity & { valid: true }): void {
    const signer = toHex(validity.signer);
    const accountNonce = this.#accountNonce(validity.signer);
    const { nonce, priority } = validity;
    const lifetime =
      validity.longevity < BigInt(POOL_LIFETIME_BLOCKS) ? Number(validity.longevity) : POOL_LIFETIME_BLOCKS;
    const expiresAt = this.chain.head.header.number + Math.max(1, lifetime);
    const wasNext = this.#pool.nextNonce(signer, accountNonce);
    const leaving = this.#pool.add({ hash, extrinsic, signer, nonce, priority, expiresAt }, accountNonce);
    this.#dropped.delete(hash);
    for (const gone of leaving) {
      const usurped = gone.signer === signer && gone.nonce === nonce;
      this.#leave(
        gone,
        usurped ? { kind: 'usurped', by: hash } : { kind: 'dropped' },
        usurped ? 'Usurped' : 'PoolFull',
      );
    }
    const isNext = this.#pool.nextNonce(signer, accountNonce);
    this.#watchers.tell(hash, { kind: nonce < isNext ? 'ready' : 'future' });
    // Filling a gap makes the ones that waited behind it ready too.
    for (let next = Math.max(wasNext, nonce + 1); next < isNext; next++)
      this.#watchers.tell(this.#pool.at(signer, next)!.hash, { kind: 'ready' });
  }

  #settlePool(block: Block, output: BlockOutput, offered: readonly PoolEntry[]): void {
    const byHash = new Map(offered.map((entry) => [entry.hash, entry]));
    for (const { hash } of block.results) this.#pool.remove(hash);
    for (const { hash, reason } of output.dropped) {
      const entry = byHash.get(hash);
      if (!entry || KEPT_REASONS.has(reason)) continue;
      this.#pool.remove(hash);
      this.#leave(entry, { kind: 'invalid', reason }, reason);
    }
    const signers = new Set(offered.map((entry) => entry.signer));
    for (const signer of signers)
      for (const stale of this.#pool.advance(signer, this.#accountNonceOf(signer)))
        this.#leave(stale, { kind: 'invalid', reason: 'Stale' }, 'Stale');
    for (const old of this.#pool.expire(block.header.number))
      this.#leave(old, { kind: 'dropped' }, 'Expired');
  }

  #announce(block: Block): void {
    const { hash: blockHash } = block;
    for (const { hash } of block.results) this.#watchers.tell(hash, { kind: 'inBlock', blockHash });
    this.#blockListeners.tell(block);
    this.#later(() => {
      this.#finalized = block;
      for (const { hash } of block.results) this.#watchers.tell(hash, { kind: 'finalized', blockHash });
      this.#finalizedListeners.tell(block);
    }, FINALITY_DELAY_MS);
    const { number } = block.header;
    this.#options.log.debug('Block produced', {
      number,
      hash: blockHash,
      extrinsics: block.extrinsics.length,
    });
  }

  #ban(entry: PoolEntry): void {
    this.#pool.remove(entry.hash);
    this.#banned.set(entry.hash, true);
    this.#leave(entry, { kind: 'invalid', reason: 'Call' }, 'RuntimeFault');
    this.#options.log.error('The runtime failed on a transaction, which is banned', { hash: entry.hash });
  }

  #leave(entry: PoolEntry, event: ExtrinsicEvent, reason: string): void {
    this.#dropped.set(entry.hash, reason);
    this.#watchers.tell(entry.hash, event);
  }

  #accountNonceOf(signer: HexString): number {
    return this.#accountNonce(bytesOfHex(signer));
  }

  #accountNonce(account: Uint8Array): number {
    const answer = this.#options.runtime.call(this.chain.headState, 'AccountNonceApi_account_nonce', account);
    if (answer?.length !== 4)
      throw new Error('cannot happen: every runtime answers AccountNonceApi with a u32');
    return new DataView(answer.buffer, answer.byteOffset, 4).getUint32(0, true);
  }

  #later(action: () => void, delayMs: number): void {
    const cancel = this.#options.schedule(() => {
      this.#timers.delete(cancel);
      action();
    }, delayMs);
    this.#timers.add(cancel);
  }
}

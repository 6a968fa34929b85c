/**
 * @file The embedded block engine: one process that makes every block at a fixed pace. It decides what the next block
 * holds and when it comes; execution is the runtime's, sealing and storing the chain's, the pool the desk's. A
 * committed block is final.
 * Invariant: nothing in the pool or in any announcement changes before the block is on disk.
 */
import { type HexString, type Logger, messageOf } from '@alice/protocol';
import type { BlockInput, Runtime } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { SignatureDesk } from '../signatures/SignatureDesk.js';
import { Announcer, type Schedule } from './Announcer.js';
import { buildAround } from './buildAround.js';
import type {
  BlockEngine,
  Clock,
  EngineHealth,
  ExtrinsicEvent,
  ExtrinsicStatus,
  Unsubscribe,
} from './interface.js';
import { defaultPoolLimits, type PoolEntry, type PoolLimits } from './Pool.js';
import { TransactionDesk } from './TransactionDesk.js';

export type { Schedule } from './Announcer.js';

export interface SoloEngineOptions {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly blockTimeMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly poolLimits?: PoolLimits;
  /** Default: signatures are checked on this thread. */
  readonly signatures?: SignatureDesk;
}

/** What one block is offered at most; the runtime's weights decide how much of it fits. */
const BLOCK_LIMIT = { count: 5000, bytes: 5 * 2 ** 20 } as const;

export class SoloEngine implements BlockEngine {
  readonly chain: Chain;
  readonly #options: SoloEngineOptions;
  readonly #desk: TransactionDesk;
  readonly #announcer: Announcer;
  #lastError: string | undefined;

  constructor(options: SoloEngineOptions) {
    const { chain, log, schedule, signatures = new SignatureDesk() } = options;
    this.#options = options;
    this.chain = chain;
    this.#desk = new TransactionDesk({
      ...options,
      signatures,
      poolLimits: options.poolLimits ?? defaultPoolLimits,
      mostBytes: BLOCK_LIMIT.bytes,
    });
    this.#announcer = new Announcer({ desk: this.#desk, schedule, log, head: chain.head });
  }

  get finalized(): Block {
    return this.#announcer.finalized;
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
    const again = (): void => this.#announcer.later(tick, Math.max(blockTimeMs / 4, blockTimeMs - spentMs));
    again();
  }

  /** Builds, commits and announces the next block from what the pool holds. Throws what storage throws. */
  produceBlock(): Block {
    const { runtime, clock, log } = this.#options;
    const parent = this.chain.head;
    const nowMs = BigInt(Math.floor(clock()));
    const timestampMs = nowMs > parent.timestampMs ? nowMs : parent.timestampMs + 1n;
    const frame = { number: parent.header.number + 1, parentHash: parent.hash, timestampMs };
    const inputOf = (entries: readonly PoolEntry[]): BlockInput => ({
      ...frame,
      extrinsics: entries.map((entry) => entry.extrinsic),
    });
    const { output, poison } = buildAround(this.#desk.pool.select(BLOCK_LIMIT), (entries) =>
      runtime.buildBlock(this.chain.headState, inputOf(entries)),
    );
    const block = this.chain.append(inputOf([]), output);
    for (const entry of poison) this.#desk.ban(entry);
    this.#desk.settle(block, output);
    this.#announcer.announce(block);
    const { hash, header, extrinsics } = block;
    log.debug('Block produced', { number: header.number, hash, extrinsics: extrinsics.length });
    return block;
  }

  submit(extrinsic: Uint8Array): Promise<HexString> {
    return this.#desk.submit(extrinsic);
  }

  pending(): readonly Uint8Array[] {
    return this.#desk.pending();
  }

  nextNonce(account: Uint8Array): number {
    return this.#desk.nextNonce(account);
  }

  statusOf(hash: HexString): ExtrinsicStatus {
    return this.#desk.statusOf(hash);
  }

  watch(hash: HexString, listener: (event: ExtrinsicEvent) => void): Unsubscribe {
    return this.#desk.watch(hash, listener);
  }

  onBlock(listener: (block: Block) => void): Unsubscribe {
    return this.#announcer.onBlock(listener);
  }

  onFinalized(listener: (block: Block) => void): Unsubscribe {
    return this.#announcer.onFinalized(listener);
  }

  health(): EngineHealth {
    const headAgeMs = Math.max(0, this.#options.clock() - Number(this.chain.head.timestampMs));
    const { count: poolCount, bytes: poolBytes } = this.#desk.pool;
    const { blockTimeMs } = this.#options;
    return { poolCount, poolBytes, headAgeMs, blockTimeMs, lastError: this.#lastError };
  }

  close(): void {
    this.#announcer.close();
  }
}

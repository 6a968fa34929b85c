/**
 * @file The block engine behind which CometBFT decides: it answers CometBFT's ABCI calls (`CometApplication`) and offers
 * the RPC layer the same as the solo engine does. Transactions are checked here, then handed to CometBFT, which spreads
 * them to the other validators; blocks come back decided. A block is final when it is committed.
 */
import type { HexString, Logger } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { Announcer, type Schedule } from '../engine/Announcer.js';
import type {
  BlockEngine,
  Clock,
  EngineHealth,
  ExtrinsicEvent,
  ExtrinsicStatus,
  Unsubscribe,
} from '../engine/interface.js';
import { defaultPoolLimits, type PoolLimits } from '../engine/Pool.js';
import { TransactionDesk } from '../engine/TransactionDesk.js';
import { SignatureDesk } from '../signatures/SignatureDesk.js';
import { SnapshotKeeper, type SnapshotKeeperOptions } from '../snapshot/SnapshotKeeper.js';
import { CometApplication } from './CometApplication.js';
import { StateSync } from './StateSync.js';

/** Where accepted transactions go on to CometBFT. */
export interface Broadcast {
  send(hash: HexString, extrinsic: Uint8Array): void;
  close(): void;
}

export interface CometEngineOptions {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly log: Logger;
  /** What CometBFT's genesis must be called; another name is another chain. */
  readonly chainId: string;
  /** The pace CometBFT is set to, for health only. */
  readonly blockTimeMs: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly broadcast?: Broadcast;
  readonly poolLimits?: PoolLimits;
  readonly signatures?: SignatureDesk;
  /** Where snapshots are kept; without it none are taken, offered or taken over. */
  readonly snapshots?: Omit<SnapshotKeeperOptions, 'log'>;
}

/** Bytes of transactions in one block at most; CometBFT's own limit, in its genesis, is a little above. */
export const MOST_BLOCK_BYTES = 5 * 2 ** 20;

export class CometEngine implements BlockEngine {
  readonly chain: Chain;
  readonly application: CometApplication;
  readonly #options: CometEngineOptions;
  readonly #desk: TransactionDesk;
  readonly #announcer: Announcer;
  readonly #keeper: SnapshotKeeper | undefined;

  constructor(options: CometEngineOptions) {
    const { chain, log, schedule, signatures = new SignatureDesk() } = options;
    this.#options = options;
    this.chain = chain;
    const poolLimits = options.poolLimits ?? defaultPoolLimits;
    this.#desk = new TransactionDesk({ ...options, signatures, poolLimits, mostBytes: MOST_BLOCK_BYTES });
    this.#announcer = new Announcer({ desk: this.#desk, schedule, log, head: chain.head });
    const { snapshots } = options;
    const keeper = snapshots && new SnapshotKeeper(chain, { ...snapshots, log });
    this.#keeper = keeper;
    const onRestored = (block: Block): void => this.#announcer.jump(block);
    this.application = new CometApplication({
      ...options,
      signatures,
      desk: this.#desk,
      onCommit: (block) => {
        this.#announcer.announce(block);
        keeper?.onBlock(block);
      },
      ...(keeper ? { stateSync: new StateSync({ chain, keeper, dir: snapshots.dir, log, onRestored }) } : {}),
    });
  }

  get finalized(): Block {
    return this.#announcer.finalized;
  }

  async submit(extrinsic: Uint8Array): Promise<HexString> {
    const hash = await this.#desk.submit(extrinsic);
    this.#options.broadcast?.send(hash, extrinsic);
    return hash;
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
    const { clock, blockTimeMs } = this.#options;
    const headAgeMs = Math.max(0, clock() - Number(this.chain.head.timestampMs));
    const { count: poolCount, bytes: poolBytes } = this.#desk.pool;
    return { poolCount, poolBytes, headAgeMs, blockTimeMs, lastError: this.application.lastError };
  }

  close(): void {
    this.#announcer.close();
    this.#options.broadcast?.close();
  }

  /** Resolves when no snapshot is being written any more; the chain's store may then be closed. */
  async settled(): Promise<void> {
    await this.#keeper?.close();
  }
}

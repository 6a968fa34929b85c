/**
 * @file Tells everyone about a committed block: in the block at once, final one tick later, because clients lose
 * "in block" when both arrive together. Blocks of every engine here are final when they are committed.
 */
import type { Logger } from '@alice/protocol';
import type { Block } from '../block.js';
import type { Unsubscribe } from './interface.js';
import { Listeners } from './Listeners.js';
import type { TransactionDesk } from './TransactionDesk.js';

/** Runs an action after a delay; the answer cancels it. Injected so that tests never wait. */
export type Schedule = (action: () => void, delayMs: number) => Unsubscribe;

/** How long after "in block" a block is announced as final. */
const FINALITY_DELAY_MS = 100;

export class Announcer {
  readonly #desk: TransactionDesk;
  readonly #schedule: Schedule;
  readonly #blocks: Listeners<Block>;
  readonly #finals: Listeners<Block>;
  readonly #timers = new Set<Unsubscribe>();
  #finalized: Block;

  constructor(options: { desk: TransactionDesk; schedule: Schedule; log: Logger; head: Block }) {
    this.#desk = options.desk;
    this.#schedule = options.schedule;
    this.#blocks = new Listeners(options.log);
    this.#finals = new Listeners(options.log);
    this.#finalized = options.head;
  }

  get finalized(): Block {
    return this.#finalized;
  }

  onBlock(listener: (block: Block) => void): Unsubscribe {
    return this.#blocks.add(listener);
  }

  onFinalized(listener: (block: Block) => void): Unsubscribe {
    return this.#finals.add(listener);
  }

  announce(block: Block): void {
    this.#desk.tell(block, 'inBlock');
    this.#blocks.tell(block);
    this.later(() => {
      this.#finalized = block;
      this.#desk.tell(block, 'finalized');
      this.#finals.tell(block);
    }, FINALITY_DELAY_MS);
  }

  /** The chain jumped to a block that was final long ago. */
  jump(block: Block): void {
    this.#finalized = block;
    this.#blocks.tell(block);
    this.#finals.tell(block);
  }

  /** Runs an action after a delay unless this is closed before. */
  later(action: () => void, delayMs: number): void {
    const cancel = this.#schedule(() => {
      this.#timers.delete(cancel);
      action();
    }, delayMs);
    this.#timers.add(cancel);
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}

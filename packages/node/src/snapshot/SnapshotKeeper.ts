/**
 * @file The snapshots a running node takes of itself, one every so many blocks, the newest few kept as files below the
 * node's directory. Other nodes start from them. A node that is still writing one skips the next.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, messageOf } from '@alice/protocol';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { SnapshotFile } from './SnapshotFile.js';
import { writeSnapshot } from './writeSnapshot.js';

export interface SnapshotKeeperOptions {
  readonly dir: string;
  /** Blocks from one snapshot to the next; 0 takes none. */
  readonly everyBlocks: number;
  readonly log: Logger;
}

/** At least so many are offered; older ones are deleted. */
const KEPT = 2;
/** Who takes a snapshot over looks around for seconds first, and must still find it when asking for its chunks. */
const KEPT_BLOCKS = 100;
const NAME = /^(\d+)\.alicesnap$/;

export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #chain: Chain;
  #files: readonly SnapshotFile[] = [];
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(chain: Chain, options: SnapshotKeeperOptions) {
    this.#chain = chain;
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
    for (const name of readdirSync(options.dir).sort(byHeight)) {
      if (name.endsWith('.part')) rmSync(join(options.dir, name), { force: true });
      else if (NAME.test(name)) this.#add(join(options.dir, name));
    }
  }

  /** The snapshots that can be had, newest first. */
  get files(): readonly SnapshotFile[] {
    return this.#files;
  }

  get #kept(): number {
    const { everyBlocks } = this.#options;
    return everyBlocks === 0 ? KEPT : Math.max(KEPT, Math.ceil(KEPT_BLOCKS / everyBlocks));
  }

  /** To be called with every committed block, before the next one. */
  onBlock({ header: { number } }: Block): void {
    const { everyBlocks, log } = this.#options;
    if (everyBlocks === 0 || number % everyBlocks !== 0 || this.#writing || this.#isClosed) return;
    this.#writing = this.#take(number)
      .catch((error: unknown) => log.warn('A snapshot could not be written', { error: messageOf(error) }))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    for (const file of this.#files) file.close();
    this.#files = [];
  }

  async #take(number: number): Promise<void> {
    const path = join(this.#options.dir, `${number}.alicesnap`);
    const { entries, chunks } = await writeSnapshot(this.#chain, path);
    this.#add(path);
    this.#options.log.info('Snapshot taken', { number, entries, chunks: chunks.length });
  }

  #add(path: string): void {
    try {
      const all = [new SnapshotFile(path), ...this.#files];
      for (const old of all.slice(this.#kept)) {
        old.close();
        rmSync(old.path, { force: true });
      }
      this.#files = all.slice(0, this.#kept);
    } catch (error) {
      this.#options.log.warn('A snapshot cannot be used', { path, error: messageOf(error) });
      rmSync(path, { force: true });
    }
  }
}

const heightOf = (name: string): number => Number(NAME.exec(name)?.[1] ?? -1);
const byHeight = (a: string, b: string): number => heightOf(a) - heightOf(b);

/**
 * @file Fills the shards of one split with documents, with the account of where each shard's documents come from. A shard
 * that an interrupted build finished is only counted through, not written again.
 */
import { join } from 'node:path';
import { blocksRoot } from '../blockLayout.js';
import { hashBytes } from '../hashBytes.js';
import type { ProvenanceRun, ShardInfo } from '../manifest.js';
import { hashBlocks } from '../shardBlocks.js';
import { shardFileName, tokensToBytes } from '../shardBytes.js';
import { writeFileAtomically } from '../writeFileAtomically.js';
import type { SplitShards } from './planShards.js';

export interface PlacedDocument {
  readonly source: number;
  readonly from: number;
  readonly to: number;
  /** With the separator. */
  readonly tokens: number;
  /** Reads its tokens [first, first + count); called only for what is written. */
  readonly read: (first: number, count: number) => Promise<Uint16Array>;
}

export interface SplitWriterOptions {
  readonly outDir: string;
  readonly split: SplitShards;
  /** Shards that are finished already, by number. */
  readonly finished: ReadonlyMap<number, ShardInfo>;
  /** Called with each shard as soon as its file is complete. */
  readonly onShard: (shard: ShardInfo, blocks: Uint8Array) => Promise<void>;
}

export class SplitWriter {
  readonly #options: SplitWriterOptions;
  readonly #buffer: Uint16Array;
  #filled = 0;
  #id: number;
  #skip = 0;
  #runs: ProvenanceRun[] = [];

  constructor(options: SplitWriterOptions) {
    this.#options = options;
    this.#buffer = new Uint16Array(options.split.shardTokens);
    this.#id = options.split.firstId;
  }

  async append(document: PlacedDocument): Promise<void> {
    for (let done = 0; done < document.tokens; ) {
      const count = Math.min(document.tokens - done, this.#buffer.length - this.#filled);
      if (!this.#options.finished.has(this.#id)) {
        this.#buffer.set(await document.read(done, count), this.#filled);
        this.#note(document, done === 0);
        if (done > 0) this.#skip = count;
      }
      this.#filled += count;
      done += count;
      if (this.#filled === this.#buffer.length) await this.finish();
    }
  }

  /** Ends the current shard, if it holds anything. */
  async finish(): Promise<void> {
    if (this.#filled === 0) return;
    const id = this.#id++;
    const tokens = this.#filled;
    this.#filled = 0;
    if (this.#options.finished.has(id)) return;
    const bytes = tokensToBytes(this.#buffer.subarray(0, tokens));
    const blocks = hashBlocks(bytes);
    await writeFileAtomically(join(this.#options.outDir, shardFileName(id)), bytes);
    const shard: ShardInfo = {
      id,
      split: this.#options.split.split,
      tokens,
      bytes: bytes.length,
      sha256: hashBytes(bytes),
      blocks: blocksRoot(blocks),
      skip: this.#skip,
      runs: this.#runs,
    };
    this.#skip = 0;
    this.#runs = [];
    await this.#options.onShard(shard, blocks);
  }

  #note({ source, from, to }: PlacedDocument, beginsHere: boolean): void {
    const documents = beginsHere ? 1 : 0;
    const last = this.#runs.at(-1);
    if (last?.source === source)
      this.#runs[this.#runs.length - 1] = { ...last, to, documents: last.documents + documents };
    else this.#runs.push({ source, from, to, documents });
  }
}

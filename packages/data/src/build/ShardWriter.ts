/** @file Turns a stream of tokens into shard files of equal length, each written atomically as soon as it is full. */
import { join } from 'node:path';
import { blocksRoot } from '../blockLayout.js';
import { hashBytes } from '../hashBytes.js';
import type { ShardInfo, Split } from '../manifest.js';
import { hashBlocks } from '../shardBlocks.js';
import { shardFileName, tokensToBytes } from '../shardBytes.js';
import { writeFileAtomically } from '../writeFileAtomically.js';

export class ShardWriter {
  readonly shards: ShardInfo[] = [];
  /** Block hashes of each shard. */
  readonly blocks: Uint8Array[] = [];
  readonly #dir: string;
  #buffer = new Uint16Array();
  #filled = 0;
  #split: Split = 'train';

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Ends the current shard; what follows belongs to `split`, in shards of `shardTokens`. */
  async begin(split: Split, shardTokens: number): Promise<void> {
    await this.finish();
    this.#split = split;
    this.#buffer = new Uint16Array(shardTokens);
  }

  async append(tokens: Uint16Array): Promise<void> {
    for (let from = 0; from < tokens.length; ) {
      const part = tokens.subarray(from, from + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === this.#buffer.length) await this.finish();
    }
  }

  /** Writes the shard that is not full yet, if it holds anything. */
  async finish(): Promise<void> {
    if (this.#filled === 0) return;
    const bytes = tokensToBytes(this.#buffer.subarray(0, this.#filled));
    const id = this.shards.length;
    await writeFileAtomically(join(this.#dir, shardFileName(id)), bytes);
    const sha256 = hashBytes(bytes);
    const hashes = hashBlocks(bytes);
    const blocks = blocksRoot(hashes);
    this.blocks.push(hashes);
    this.shards.push({ id, split: this.#split, tokens: this.#filled, bytes: bytes.length, sha256, blocks });
    this.#filled = 0;
  }
}

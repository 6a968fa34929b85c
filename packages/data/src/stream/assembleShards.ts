/**
 * @file Parts → shards, in the order of the parts. Each finished shard is noted in a log, so that an interrupted assembly
 * goes on at the first shard that is missing; the log counts only for the very same selection and plan.
 */
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { bytesOf, hashJson } from '@alice/protocol';
import { BLOCKS_FILE, blockHashRange } from '../blockLayout.js';
import type { ShardInfo, Split } from '../manifest.js';
import { bytesToTokens, shardFileName } from '../shardBytes.js';
import { type PartName, readRecords } from './PartFiles.js';
import type { ShardPlan, SplitShards } from './planShards.js';
import { SplitWriter } from './SplitWriter.js';
import type { Selection } from './selectDocuments.js';

export interface AssembleOptions {
  readonly outDir: string;
  readonly workDir: string;
  readonly parts: readonly PartName[];
  /** Hash of the content of the parts and of all settings. */
  readonly recipe: string;
  readonly selection: Selection;
  readonly plan: ShardPlan;
  readonly onTokens: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The shards in order; their files and the file of block hashes are complete. Cost: reads and writes all tokens once. */
export async function assembleShards(options: AssembleOptions): Promise<ShardInfo[]> {
  const { outDir, parts, selection, plan, signal } = options;
  const log = new ShardLog(options);
  const blocks = await open(join(outDir, BLOCKS_FILE), existsSync(join(outDir, BLOCKS_FILE)) ? 'r+' : 'w+');
  const lengths = plan.splits.flatMap((split) => shardBytes(split, selection.tokens[split.split]));
  const onShard = async (shard: ShardInfo, hashes: Uint8Array): Promise<void> => {
    await blocks.write(hashes, 0, hashes.length, blockHashRange(lengths, shard.id).from);
    log.add(shard);
  };
  const writers = new Map<Split, SplitWriter>(
    plan.splits.map((split) => [
      split.split,
      new SplitWriter({ outDir, split, finished: log.shards, onShard }),
    ]),
  );
  try {
    const window = new Uint16Array(WINDOW_TOKENS);
    let [number, done] = [0, 0];
    for (const [source, name] of parts.entries()) {
      const tokens = new PartTokens(name, window);
      try {
        for await (const record of readRecords(name)) {
          signal?.throwIfAborted();
          const first = tokens.next(record.tokens);
          if (!selection.kept.has(number++)) continue;
          await writers.get(record.split)!.append({
            ...record,
            source,
            read: (from, count) => tokens.read(first + from, count),
          });
          done += record.tokens;
        }
      } finally {
        await tokens.close();
      }
      options.onTokens(done);
    }
    for (const writer of writers.values()) await writer.finish();
  } finally {
    await blocks.close();
  }
  return [...log.shards.values()].sort((a, b) => a.id - b.id);
}

function shardBytes({ count, shardTokens }: SplitShards, tokens: number): { bytes: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    bytes: 2 * Math.min(shardTokens, tokens - i * shardTokens),
  }));
}

/** The tokens of a part, read forwards through a window. */
class PartTokens {
  readonly #name: PartName;
  #handle: FileHandle | null = null;
  #end = 0;
  #window: Uint16Array<ArrayBuffer>;
  #filled = 0;
  #windowFrom = 0;

  /** `window` is memory to read through, used for one part after the other. */
  constructor(name: PartName, window: Uint16Array<ArrayBuffer>) {
    this.#name = name;
    this.#window = window;
  }

  /** Where the next document's tokens begin. */
  next(tokens: number): number {
    this.#end += tokens;
    return this.#end - tokens;
  }

  async read(from: number, count: number): Promise<Uint16Array> {
    const at = from - this.#windowFrom;
    if (at < 0 || at + count > this.#filled) {
      await this.#load(from, count);
      return this.#window.subarray(0, count);
    }
    return this.#window.subarray(at, at + count);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  /** Fills the window from a token on. Its memory is used again: what was handed out is read by then. */
  async #load(from: number, needed: number): Promise<void> {
    this.#handle ??= await open(this.#name('tokens'), 'r');
    if (this.#window.length < needed) this.#window = new Uint16Array(needed);
    const bytes = bytesOf(this.#window);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, 2 * from + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    if (done < 2 * needed) throw new Error('cannot happen: a part has as many tokens as its records say');
    // A no-op on little-endian machines: the bytes are the tokens.
    if (!IS_LITTLE) this.#window.set(bytesToTokens(bytes));
    this.#windowFrom = from;
    this.#filled = Math.floor(done / 2);
  }
}

const WINDOW_TOKENS = 1 << 20;
const IS_LITTLE = endianness() === 'LE';

/** Which shards are finished, kept across interruptions. */
class ShardLog {
  readonly shards = new Map<number, ShardInfo>();
  readonly #path: string;

  constructor({ workDir, outDir, selection, plan, recipe }: AssembleOptions) {
    this.#path = join(workDir, 'shards.log');
    const { tokens, documentsOfPart } = selection;
    const key = hashJson({ recipe, plan, tokens, documentsOfPart });
    const [first, ...lines] = existsSync(this.#path) ? readFileSync(this.#path, 'utf8').split('\n') : [];
    if (first !== key) writeFileSync(this.#path, `${key}\n`);
    // The last piece is empty, or a line that was being written.
    else for (const line of lines.slice(0, -1)) this.#take(JSON.parse(line) as ShardInfo, outDir);
  }

  add(shard: ShardInfo): void {
    this.shards.set(shard.id, shard);
    appendFileSync(this.#path, `${JSON.stringify(shard)}\n`);
  }

  #take(shard: ShardInfo, outDir: string): void {
    const file = join(outDir, shardFileName(shard.id));
    if (statSync(file, { throwIfNoEntry: false })?.size === shard.bytes) this.shards.set(shard.id, shard);
  }
}

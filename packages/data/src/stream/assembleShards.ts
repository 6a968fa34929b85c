/**
 * @file Parts → shards, in the order of the parts. Each finished shard is noted in a log, so that an interrupted assembly
 * goes on at the first shard that is missing; the log counts only for the very same selection and plan.
 */
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { hashJson } from '@alice/protocol';
import { BLOCKS_FILE, blockHashRange } from '../blockLayout.js';
import type { ShardInfo, Split } from '../manifest.js';
import { shardFileName } from '../shardBytes.js';
import { KeptDocuments } from './KeptDocuments.js';
import type { PartName } from './PartFiles.js';
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
    const documents = new KeptDocuments(selection.kept);
    let done = 0;
    for (const [source, name] of parts.entries()) {
      for await (const document of documents.of(name)) {
        signal?.throwIfAborted();
        await writers.get(document.split)!.append({ ...document, source });
        done += document.tokens;
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

/** Which shards are finished, kept across interruptions. */
class ShardLog {
  readonly shards = new Map<number, ShardInfo>();
  readonly #path: string;

  constructor({ workDir, outDir, selection, plan, recipe }: AssembleOptions) {
    this.#path = join(workDir, 'shards.log');
    const { tokens, documentsOfPart } = selection;
    const key = hashJson({ recipe, plan, tokens, documentsOfPart });
    const [first, ...lines] = existsSync(this.#path) ? readFileSync(this.#path, 'utf8').split('\n') : [];
    // The last piece is empty, or a line that was being written.
    if (first === key) for (const line of lines.slice(0, -1)) this.#take(line, outDir);
    // Written anew: what comes next must not be joined to half a line.
    const kept = [...this.shards.values()].map((shard) => `${JSON.stringify(shard)}\n`);
    writeFileSync(this.#path, `${key}\n${kept.join('')}`);
  }

  add(shard: ShardInfo): void {
    this.shards.set(shard.id, shard);
    appendFileSync(this.#path, `${JSON.stringify(shard)}\n`);
  }

  #take(line: string, outDir: string): void {
    let shard: ShardInfo;
    try {
      shard = JSON.parse(line) as ShardInfo;
    } catch {
      return;
    }
    const file = join(outDir, shardFileName(shard.id));
    if (statSync(file, { throwIfNoEntry: false })?.size === shard.bytes) this.shards.set(shard.id, shard);
  }
}

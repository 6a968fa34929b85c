/** @file Builds the shards a preset needs from any text, with progress on the terminal; nothing to do when they are there. */
import { statfsSync } from 'node:fs';
import { type BuildDatasetOptions, type BuildProgress, buildDataset, type Manifest } from '@alice/data';
import { openTokenizer } from '@alice/model';
import { createProgress, type Progress } from '../progressBar.js';
import { tokenizerModuleOf } from './tokenizerModuleOf.js';

export interface BuildShardsOptions {
  /** `builtin`, or a file or folder of text. */
  readonly source: string;
  readonly tokenizerId: string;
  readonly seed: string;
  readonly outDir: string;
  readonly quiet: boolean;
  readonly shardTokens?: number;
  readonly skipInvalid?: boolean;
  /** Limits, parts and fields, as `buildDataset` takes them. */
  readonly more?: Omit<
    Partial<BuildDatasetOptions>,
    'source' | 'outDir' | 'seed' | 'tokenizer' | 'onProgress' | 'signal'
  >;
  /** Whether another dataset in `outDir` may be overwritten. */
  readonly replace: boolean;
}

export async function buildShards(
  options: BuildShardsOptions,
  { signal }: { signal: AbortSignal },
): Promise<Manifest> {
  const { source, outDir, seed, replace, shardTokens } = options;
  const bars = stageBars(options);
  try {
    return await buildDataset({
      source,
      outDir,
      seed,
      replace,
      signal,
      tokenizer: await openTokenizer(options.tokenizerId),
      tokenizerModule: tokenizerModuleOf(options.tokenizerId),
      onInvalid: options.skipInvalid ? 'skip' : 'refuse',
      onProgress: bars.show,
      ...(shardTokens === undefined ? {} : { shardTokens }),
      ...options.more,
    });
  } finally {
    bars.stop();
  }
}

/** One bar for reading and tokenising text, then one for writing shards; rates and disk space beside a streamed build's. */
function stageBars({ quiet, outDir }: BuildShardsOptions): {
  show(progress: BuildProgress): void;
  stop(): void;
} {
  let stage = '';
  let current: Progress | undefined;
  const rates = createRates(outDir);
  const stop = (): void => {
    current?.stop();
    current = undefined;
  };
  return {
    stop,
    show: (progress) => {
      if (progress.stage !== 'tokenize' && progress.stage !== 'write') return;
      if (progress.stage !== stage) {
        stop();
        stage = progress.stage;
        current =
          stage === 'tokenize'
            ? createProgress('reading and tokenising text', { unit: 'MB', quiet, scale: 1e-6 })
            : createProgress('writing shards', { unit: 'k tokens', quiet, scale: 1e-3 });
      }
      current?.update(progress.done, progress.total);
      if (!quiet) rates(progress);
    },
  };
}

const RATE_EVERY_MS = 30_000;

/** A line now and then for builds that take long: text and tokens a second, time and disk space left. */
function createRates(outDir: string): (progress: BuildProgress) => void {
  let begun: { at: number; done: number; textBytes: number; tokens: number } | undefined;
  let next = Date.now() + RATE_EVERY_MS;
  return ({ stage, done, total, textBytes, tokens }) => {
    if (stage !== 'tokenize' || textBytes === undefined || tokens === undefined) return;
    // Parts of an interrupted build come all at once: rates count from the first text read now.
    if (textBytes === 0) begun = undefined;
    begun ??= { at: Date.now(), done, textBytes, tokens };
    if (Date.now() < next) return;
    next = Date.now() + RATE_EVERY_MS;
    const seconds = Math.max(0.001, (Date.now() - begun.at) / 1000);
    const hoursLeft = ((total - done) / Math.max(1, done - begun.done)) * (seconds / 3600);
    const { bavail, bsize } = statfsSync(outDir);
    process.stdout.write(
      `  ${((textBytes - begun.textBytes) / 1e6 / seconds).toFixed(1)} MB/s, ` +
        `${((tokens - begun.tokens) / 1e6 / seconds).toFixed(2)} M tokens/s, ${hoursLeft.toFixed(2)} h left, ` +
        `${((bavail * bsize) / 1e9).toFixed(1)} GB of disk left\n`,
    );
  };
}

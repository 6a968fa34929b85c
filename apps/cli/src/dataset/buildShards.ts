/** @file Builds the shards a preset needs from any text, with progress on the terminal; nothing to do when they are there. */
import { type BuildProgress, buildDataset, type Manifest } from '@alice/data';
import { openTokenizer } from '@alice/model';
import { createProgress, type Progress } from '../progressBar.js';

export interface BuildShardsOptions {
  /** `builtin`, or a file or folder of text. */
  readonly source: string;
  readonly tokenizerId: string;
  readonly seed: string;
  readonly outDir: string;
  readonly quiet: boolean;
  readonly shardTokens?: number;
  readonly skipInvalid?: boolean;
  /** Whether another dataset in `outDir` may be overwritten. */
  readonly replace: boolean;
}

export async function buildShards(
  options: BuildShardsOptions,
  { signal }: { signal: AbortSignal },
): Promise<Manifest> {
  const { source, outDir, seed, replace, shardTokens } = options;
  const bars = stageBars(options.quiet);
  try {
    return await buildDataset({
      source,
      outDir,
      seed,
      replace,
      signal,
      tokenizer: await openTokenizer(options.tokenizerId),
      onInvalid: options.skipInvalid ? 'skip' : 'refuse',
      onProgress: bars.show,
      ...(shardTokens === undefined ? {} : { shardTokens }),
    });
  } finally {
    bars.stop();
  }
}

/** One bar for reading and tokenising text, then one for writing shards. */
function stageBars(quiet: boolean): { show(progress: BuildProgress): void; stop(): void } {
  let stage = '';
  let current: Progress | undefined;
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
    },
  };
}

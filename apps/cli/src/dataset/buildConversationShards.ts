/** @file `alice data build --kind chat|preference`: conversations → masked shards or preference pairs, with progress. */
import { buildConversations, type ConversationKind, type ConversationManifest } from '@alice/data';
import { openTokenizer } from '@alice/model';
import { createProgress } from '../progressBar.js';
import { tokenizerModuleOf } from './tokenizerModuleOf.js';

export interface BuildConversationShardsOptions {
  readonly kind: ConversationKind;
  readonly source: string;
  readonly outDir: string;
  readonly tokenizerId: string;
  readonly seed: string;
  readonly quiet: boolean;
  readonly replace: boolean;
  readonly skipInvalid: boolean;
  readonly shardTokens?: number | undefined;
  readonly validationFraction?: number | undefined;
  readonly workers?: number | undefined;
}

export async function buildConversationShards(
  options: BuildConversationShardsOptions,
  { signal }: { signal: AbortSignal },
): Promise<ConversationManifest> {
  const { kind, source, outDir, seed, quiet, replace, shardTokens, validationFraction, workers } = options;
  const bar = createProgress('reading conversations', { unit: 'MB', quiet, scale: 1e-6 });
  try {
    return await buildConversations({
      kind,
      source,
      outDir,
      seed,
      replace,
      signal,
      tokenizer: await openTokenizer(options.tokenizerId),
      tokenizerModule: tokenizerModuleOf(options.tokenizerId),
      onInvalid: options.skipInvalid ? 'skip' : 'refuse',
      onProgress: ({ done, total }) => bar.update(done, total),
      ...(shardTokens === undefined ? {} : { shardTokens }),
      ...(validationFraction === undefined ? {} : { validationFraction }),
      ...(workers === undefined ? {} : { workers }),
    });
  } finally {
    bar.stop();
  }
}

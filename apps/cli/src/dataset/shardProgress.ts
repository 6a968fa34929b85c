/** @file A bar for what reads a whole dataset: shards are counted in tokens as they come. */
import { withProgress } from '../progressBar.js';

interface Shards {
  readonly shards: readonly { readonly tokens: number }[];
}

/** Runs `work`, which says after each shard how many tokens it held. */
export async function withShardProgress<T>(
  { label, manifest, quiet }: { label: string; manifest: Shards; quiet: boolean },
  work: (onShard: (tokens: number) => void) => Promise<T>,
): Promise<T> {
  const total = manifest.shards.reduce((sum, { tokens }) => sum + tokens, 0);
  return withProgress(label, { unit: 'M tokens', quiet, scale: 1e-6 }, (update) => {
    let done = 0;
    const onShard = (tokens: number): void => {
      done += tokens;
      update(done, total);
    };
    onShard(0);
    return work(onShard);
  });
}

/** The same dataset; `onShard` hears of each shard that is read. */
export function watchShards<D extends { shard(id: number): Promise<Uint16Array> }>(
  dataset: D,
  onShard: (tokens: number) => void,
): D {
  const shard = async (id: number): Promise<Uint16Array> => {
    const tokens = await dataset.shard(id);
    onShard(tokens.length);
    return tokens;
  };
  return { ...dataset, shard };
}

/** @file How a worker thread gets its tokenizer: this package knows none, so the caller names a module that does. */
import { DataError } from '../errors.js';
import type { ShardTokenizer } from '../shardTokenizer.js';

/** `(await import(url))[open](id)` is the tokenizer, or a promise of it. */
export interface TokenizerModule {
  readonly url: string;
  readonly open: string;
  readonly id: string;
}

/** Throws `OPTION_INVALID` when the module has no such function. */
export async function loadTokenizer({ url, open, id }: TokenizerModule): Promise<ShardTokenizer> {
  const loaded = (await import(url)) as Record<string, unknown>;
  const opener = loaded[open];
  if (typeof opener === 'function') return (await opener(id)) as ShardTokenizer;
  throw new DataError(
    { code: 'OPTION_INVALID', option: 'tokenizerModule', value: open, bounds: `a function of ${url}` },
    `the module ${url} has no function '${open}'`,
  );
}

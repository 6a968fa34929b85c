/** @file Where the threads of a build find a tokenizer. */
import type { TokenizerModule } from '@alice/data';

export function tokenizerModuleOf(id: string): TokenizerModule {
  return { url: import.meta.resolve('@alice/model'), open: 'openTokenizer', id };
}

/** @file Which tokenizer a preset uses: GPT-2's, whole, or cut to the preset's vocabulary. */
import { resolveModel } from '@alice/model';

export function tokenizerIdOf(preset: string): string {
  const { vocab } = resolveModel(preset as Parameters<typeof resolveModel>[0]);
  return vocab === 50_257 ? 'gpt2' : `gpt2-${vocab}`;
}

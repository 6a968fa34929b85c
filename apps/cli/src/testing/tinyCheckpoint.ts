/** @file A checkpoint folder of a model small enough to write texts at once; for tests only. */
import {
  checkConfig,
  exportSafetensors,
  initParameters,
  type ModelConfig,
  resolveModel,
  tensorsOf,
} from '@alice/model';
import { seededRandom } from '@alice/protocol';

export const TINY_TOKENIZER = 'gpt2-1024';

/**
 * Weights with enough chance in them that texts do not all begin alike. The separator, the last token, always has logit 0:
 * never among the likeliest, so a text drawn with top-k goes on for ever.
 */
export async function writeTinyCheckpoint(dir: string, context = 64): Promise<ModelConfig> {
  const config = checkConfig({
    ...resolveModel('nano'),
    ...{ name: 'nano', layers: 1, width: 16, heads: 2, kvHeads: 1, ffn: 24, vocab: 1024, context },
  });
  const random = seededRandom('tiny checkpoint');
  const parameters = initParameters(config, 'tiny').map((value) => value + 0.2 * random.normal());
  parameters.fill(0, parameters.length - config.width); // the separator's row of lm_head, the last tensor
  await exportSafetensors({
    ...{ config, facts: { tokenizerId: TINY_TOKENIZER }, weights: tensorsOf(config, parameters) },
    ...{ dtype: 'F32', dir },
  });
  return config;
}

/**
 * @file The small model whose exports other programs opened, for the tests and for `vectors/recordExport.mjs`. Its
 * weights come from whole-number arithmetic only, so every machine makes the very same files.
 */
import { seededRandom } from '@alice/protocol';
import { checkConfig } from '../../ModelConfig.js';
import { modelLayout } from '../../modelLayout.js';
import { resolveModel } from '../../presets.js';

export const sampleConfig = checkConfig({
  ...resolveModel('nano'),
  ...{ name: 'sample', layers: 2, width: 48, heads: 6, kvHeads: 2, ffn: 72, context: 64, vocab: 1024 },
});
export const sampleFacts = { tokenizerId: 'gpt2-1024', version: 7, stateRoot: `0x${'ab'.repeat(32)}` };
export const sampleText = "Call me Ishmael. It's 1851;  naïve 東京\n\n  ok";

/** Multiples of 2⁻⁹ below one: FP16 holds them exactly, so that F16 files are the same model. Norms lie around one. */
export function sampleParameters(): Float32Array {
  const layout = modelLayout(sampleConfig);
  const parameters = new Float32Array(layout.size);
  const random = seededRandom('export sample');
  for (const { shape, offset, size } of layout.tensors)
    for (let i = offset; i < offset + size; i++)
      parameters[i] = shape.length === 1 ? 1 + random.below(257) / 512 : (random.below(401) - 200) / 512;
  return parameters;
}

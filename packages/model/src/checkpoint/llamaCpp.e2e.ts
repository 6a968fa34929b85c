/** @file llama.cpp itself, where it is installed, opens a nano and agrees with every logit: live, not recorded. SPEC MODEL-2 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDecoder } from '../generation/createDecoder.js';
import { initParameters } from '../initParameters.js';
import { resolveModel } from '../presets.js';
import { openTokenizer } from '../tokenizer/openTokenizer.js';
import { exportGguf } from './exportGguf.js';
import { tensorsOf } from './tensorSource.js';
import { openInLlamaCpp } from './testing/llamaCpp.js';
import { scratchFolder } from './testing/scratchFolder.js';

const TEXT = "It's the 4th of July, 1851;  naïve 東京 🧑‍🚀\n\n  x";
const TOLERANCE = 3e-4;

test('ids and logits of a nano', async (t) => {
  const config = resolveModel('nano');
  // Sharper than at initialisation, so that logits reach 10.
  const parameters = initParameters(config, 'llama.cpp').map((value) => 3 * value);
  const path = join(scratchFolder(t), 'nano.gguf');
  const facts = { tokenizerId: 'gpt2-4096' };
  await exportGguf({ config, weights: tensorsOf(config, parameters), facts, dtype: 'F32', path });
  const llama = await openInLlamaCpp(path, config.context);
  if (!llama) return t.skip('node-llama-cpp is not installed; see docs/checkpoints.md');
  const decoder = createDecoder({ config, parameters, threads: 1 });
  try {
    const tokens = [...(await openTokenizer(facts.tokenizerId)).encode(TEXT)];
    assert.deepEqual(llama.tokenize(TEXT), tokens);
    const theirs = await llama.logits(tokens);
    for (const [at, token] of tokens.entries())
      for (const [id, logit] of (await decoder.read([token])).entries())
        assert.ok(Math.abs(logit - theirs[at]![id]!) < TOLERANCE, `token ${at}, id ${id}`);
  } finally {
    await decoder.dispose();
    await llama.close();
  }
});

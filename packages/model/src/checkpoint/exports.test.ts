/**
 * @file MODEL-2: other programs open what is exported. transformers and llama.cpp opened files with the recorded SHA-256
 * and gave the recorded ids and logits (vectors/recordExport.mjs); this test makes the same files and the same numbers.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogitsFunction } from '../createLogitsFunction.js';
import { openTokenizer } from '../tokenizer/openTokenizer.js';
import { byteLevelTable } from './byteLevelTable.js';
import { exportGguf } from './exportGguf.js';
import { exportSafetensors } from './exportSafetensors.js';
import { ggufName } from './ggufTensors.js';
import { tensorsOf } from './tensorSource.js';
import { sampleConfig, sampleFacts, sampleParameters, sampleText } from './testing/exportSample.js';
import { scratchFolder } from './testing/scratchFolder.js';

interface Answer {
  readonly tokens: readonly number[];
  readonly logits: string;
}
const recorded = JSON.parse(readFileSync(new URL('../../vectors/exports.json', import.meta.url), 'utf8')) as {
  safetensors: Answer & { files: Record<string, string> };
  gguf: Record<'F32' | 'F16', Answer & { sha256: string }>;
};
const parameters = sampleParameters();
const sample = { config: sampleConfig, facts: sampleFacts, weights: tensorsOf(sampleConfig, parameters) };

/** FP32 sums in another order. Logits here reach 7; measured: 7e-6. */
const FP32_ATOL = 3e-5;
/** With F16 weights llama.cpp rounds the other factor of every product to FP16 too; measured: 1e-2. */
const FP16_ATOL = 2e-2;

async function assertSameAnswer(
  { tokens, logits }: Answer,
  who: string,
  tolerance = FP32_ATOL,
): Promise<void> {
  const tokenizer = await openTokenizer(sampleFacts.tokenizerId);
  assert.deepEqual([...tokenizer.encode(sampleText)], tokens, `${who} cuts the text into other ids`);
  const positions = tokens.flatMap((_, i) => (i % 5 === 4 ? [i] : []));
  const shape = { sequenceLength: tokens.length, positions: positions.length, threads: 1 };
  const logitsFunction = await createLogitsFunction(sampleConfig, shape);
  const ours = await logitsFunction.run(parameters, tokens, positions);
  await logitsFunction.dispose();
  const theirs = new Float32Array(Uint8Array.from(Buffer.from(logits, 'base64')).buffer);
  assert.equal(theirs.length, ours.length);
  const largest = theirs.reduce((max, logit) => Math.max(max, Math.abs(logit)), 0);
  assert.ok(largest > 5, 'the recorded logits are too small to tell anything');
  for (const [i, logit] of ours.entries())
    assert.ok(Math.abs(logit - theirs[i]!) < tolerance, `${who}, element ${i}: ${theirs[i]}, here ${logit}`);
}

test('transformers opened this folder and computed these logits', async (t: TestContext) => {
  const dir = scratchFolder(t);
  const files = await exportSafetensors({ ...sample, dtype: 'F32', dir });
  const hashes = Object.fromEntries(files.map(({ path, sha256 }) => [path.slice(dir.length + 1), sha256]));
  assert.deepEqual(hashes, recorded.safetensors.files);
  await assertSameAnswer(recorded.safetensors, 'transformers');
});

for (const dtype of ['F32', 'F16'] as const)
  test(`llama.cpp opened this ${dtype} file and computed these logits`, async (t: TestContext) => {
    const file = await exportGguf({ ...sample, dtype, path: join(scratchFolder(t), 'alice.gguf') });
    assert.equal(file.sha256, recorded.gguf[dtype].sha256);
    await assertSameAnswer(recorded.gguf[dtype], 'llama.cpp', dtype === 'F32' ? FP32_ATOL : FP16_ATOL);
  });

test('SHA256SUMS names every file with its hash', async (t: TestContext) => {
  const dir = scratchFolder(t);
  const files = await exportSafetensors({ ...sample, dtype: 'F16', dir });
  const want = files.map(({ path, sha256 }) => `${sha256}  ${path.slice(dir.length + 1)}\n`).join('');
  assert.equal(readFileSync(join(dir, 'SHA256SUMS'), 'utf8'), want);
});

test('a cut table is a prefix of the whole one, with the separator moved down', async () => {
  const [small, whole] = await Promise.all([byteLevelTable('gpt2-1024'), byteLevelTable('gpt2')]);
  assert.deepEqual(small.merges, whole.merges.slice(0, 1023 - 256));
  assert.deepEqual(small.tokens, [...whole.tokens.slice(0, 1023), '<|endoftext|>']);
  // The first lines of the merges.txt that OpenAI published, and the size of the whole.
  assert.deepEqual(whole.merges.slice(0, 5), ['Ġ t', 'Ġ a', 'h e', 'i n', 'r e']);
  assert.equal(new Set(whole.merges).size, 50_000);
});

test('every tensor has a name of its own in GGUF', () => {
  const names = sample.weights.layout.tensors.map(({ name }) => ggufName(name));
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names.slice(0, 4), [
    'token_embd.weight',
    'blk.0.attn_norm.weight',
    'blk.0.attn_q.weight',
    'blk.0.attn_k.weight',
  ]);
});

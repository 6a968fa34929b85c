/**
 * @file Records what transformers and llama.cpp make of the exported sample model, for exports.test.ts: the SHA-256 of
 * the files they opened, the ids they give a text, and the logits after every fifth. Needs a built tree, Python with torch and
 * transformers, and node-llama-cpp somewhere.
 * Run: ALICE_LLAMA_CPP=FOLDER node packages/model/vectors/recordExport.mjs PYTHON > packages/model/vectors/exports.json
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportGguf } from '../dist/checkpoint/exportGguf.js';
import { exportSafetensors } from '../dist/checkpoint/exportSafetensors.js';
import { tensorsOf } from '../dist/checkpoint/tensorSource.js';
import {
  sampleConfig,
  sampleFacts,
  sampleParameters,
  sampleText,
} from '../dist/checkpoint/testing/exportSample.js';
import { openInLlamaCpp } from '../dist/checkpoint/testing/llamaCpp.js';

const base64 = (floats) => Buffer.from(Float32Array.from(floats).buffer).toString('base64');

const dir = mkdtempSync(join(tmpdir(), 'alice-record-'));
try {
  const sample = {
    config: sampleConfig,
    facts: sampleFacts,
    weights: tensorsOf(sampleConfig, sampleParameters()),
  };
  const files = await exportSafetensors({ ...sample, dtype: 'F32', dir });
  const python = execFileSync(process.argv[2] ?? 'python3', [
    fileURLToPath(new URL('recordExport.py', import.meta.url)),
    dir,
    sampleText,
  ]);
  const gguf = {};
  for (const dtype of ['F32', 'F16']) {
    const file = await exportGguf({ ...sample, dtype, path: join(dir, `${dtype}.gguf`) });
    const model = await openInLlamaCpp(file.path, sampleConfig.context);
    if (!model)
      throw new Error('node-llama-cpp is not there: set ALICE_LLAMA_CPP to the folder it is installed in');
    const tokens = model.tokenize(sampleText);
    const logits = (await model.logits(tokens)).filter((_, i) => i % 5 === 4).flatMap((row) => [...row]);
    gguf[dtype] = { sha256: file.sha256, tokens, logits: base64(logits) };
    await model.close();
  }
  const hashes = Object.fromEntries(files.map(({ path, sha256 }) => [path.slice(dir.length + 1), sha256]));
  process.stdout.write(
    `${JSON.stringify({ safetensors: { files: hashes, ...JSON.parse(python) }, gguf }, null, 1)}\n`,
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}

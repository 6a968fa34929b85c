/** @file Reading back: the same bits, and a refusal that names file and tensor for every kind of damage. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bytesOf } from '@alice/protocol';
import fc from 'fast-check';
import { CheckpointError } from './checkpointError.js';
import { exportSafetensors } from './exportSafetensors.js';
import { openCheckpoint } from './openCheckpoint.js';
import { openSafetensors, writeSafetensors } from './safetensorsFile.js';
import { encodeHeader, parseHeader } from './safetensorsHeader.js';
import { tensorsOf } from './tensorSource.js';
import { sampleConfig, sampleFacts, sampleParameters } from './testing/exportSample.js';
import { scratchFolder } from './testing/scratchFolder.js';

const parameters = sampleParameters();
const sample = { config: sampleConfig, facts: sampleFacts, weights: tensorsOf(sampleConfig, parameters) };

async function exported(t: TestContext, options: { dtype?: 'F32' | 'F16'; maxFileBytes?: number } = {}) {
  const dir = scratchFolder(t);
  await exportSafetensors({ ...sample, dtype: 'F32', dir, ...options });
  return { dir, file: join(dir, 'model.safetensors') };
}

async function readAll(dir: string): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(dir);
  try {
    return await checkpoint.parameters();
  } finally {
    await checkpoint.close();
  }
}

for (const dtype of ['F32', 'F16'] as const)
  test(`${dtype}: config, facts and weights come back bit for bit`, async (t) => {
    const { dir } = await exported(t, { dtype });
    const checkpoint = await openCheckpoint(dir);
    assert.deepEqual(checkpoint.config, sampleConfig);
    assert.deepEqual(checkpoint.facts, sampleFacts);
    await checkpoint.close();
    assert.deepEqual(await readAll(dir), parameters);
  });

test('cut into several files: the same weights, and a second export keeps what is sound and mends the rest', async (t) => {
  const { dir } = await exported(t, { maxFileBytes: 60_000 });
  const files = Object.values(
    (
      JSON.parse(readFileSync(join(dir, 'model.safetensors.index.json'), 'utf8')) as {
        weight_map: Record<string, string>;
      }
    ).weight_map,
  );
  const [first, second] = [...new Set(files)].map((name) => join(dir, name));
  assert.ok(second !== undefined);
  assert.deepEqual(await readAll(dir), parameters);
  const before = readFileSync(second);
  utimesSync(first!, 1, 1);
  utimesSync(second, 1, 1);
  flip(second, before.length - 5);
  utimesSync(second, 1, 1);
  await exportSafetensors({ ...sample, dtype: 'F32', dir, maxFileBytes: 60_000 });
  assert.equal(statSync(first!).mtimeMs, 1000, 'a sound file was written again');
  assert.deepEqual(readFileSync(second), before);
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 0x10;
  writeFileSync(path, bytes);
}

test('a changed byte in a weight is found in its tensor', async (t) => {
  const { dir, file } = await exported(t);
  flip(file, statSync(file).size - 3);
  await assert.rejects(readAll(dir), (error: unknown) => {
    assert.ok(error instanceof CheckpointError && error.info.code === 'CHECKPOINT_HASH_MISMATCH');
    assert.deepEqual([error.info.file, error.info.tensor], [file, 'lm_head.weight']);
    return true;
  });
});

test('a changed byte in settings or tokenizer is found by SHA256SUMS; without it only what is wrong in itself is', async (t) => {
  const { dir } = await exported(t);
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'SHA256SUMS']) {
    const file = join(dir, name);
    const sound = readFileSync(file);
    for (let at = 0; at < sound.length; at += Math.ceil(sound.length / 60)) {
      flip(file, at);
      await assert.rejects(readAll(dir), CheckpointError, `${name}, byte ${at}`);
      writeFileSync(file, sound);
    }
    if (name === 'SHA256SUMS') continue;
    writeFileSync(file, `${sound}\n`);
    await assert.rejects(readAll(dir), (error: unknown) => {
      assert.ok(error instanceof CheckpointError);
      assert.deepEqual([error.info.code, error.info.file], ['CHECKPOINT_HASH_MISMATCH', file]);
      return true;
    });
    writeFileSync(file, sound);
  }
  writeFileSync(join(dir, 'config.json'), `${readFileSync(join(dir, 'config.json'))}\n`);
  rmSync(join(dir, 'SHA256SUMS'));
  assert.deepEqual(await readAll(dir), parameters);
});

test('a tokenizer with another number of ids than the model is refused', async (t) => {
  const { dir } = await exported(t);
  const file = join(dir, 'config.json');
  for (const id of ['gpt2-1034', 'gpt2', 'gpt3', '']) {
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/"tokenizerId": "[^"]*"/, `"tokenizerId": "${id}"`),
    );
    await assert.rejects(openCheckpoint(dir), {
      info: { code: 'CHECKPOINT_CONFIG', file, field: 'alice.tokenizerId' },
    });
  }
});

test('a file cut short names the first tensor that is not whole', async (t) => {
  const { dir, file } = await exported(t);
  const size = statSync(file).size;
  truncateSync(file, size - 1);
  await assert.rejects(openCheckpoint(dir), {
    info: {
      code: 'CHECKPOINT_TRUNCATED',
      file,
      tensor: 'lm_head.weight',
      needBytes: size,
      gotBytes: size - 1,
    },
  });
  truncateSync(file, 100);
  await assert.rejects(openCheckpoint(dir), { code: 'CHECKPOINT_TRUNCATED' });
  truncateSync(file, 3);
  await assert.rejects(openCheckpoint(dir), { code: 'CHECKPOINT_TRUNCATED' });
});

test('no single changed byte of a file goes unnoticed, nor is it anything but a coded refusal', async (t) => {
  const path = join(scratchFolder(t), 'small.safetensors');
  const values = Float32Array.of(1, 2, 3, 4, 5, 6);
  const tensors = [
    { name: 'a', dtype: 'F32', shape: [2, 2], bytes: async () => bytesOf(values.slice(0, 4)) },
    { name: 'b', dtype: 'F32', shape: [2], bytes: async () => bytesOf(values.slice(4)) },
  ] as const;
  await writeSafetensors(path, { metadata: {}, tensors });
  const sound = readFileSync(path);
  const readEverything = async (): Promise<string> => {
    const file = await openSafetensors(path);
    try {
      const parts: string[] = [];
      for (const tensor of file.tensors)
        parts.push(`${tensor.name} ${tensor.shape} ${Buffer.from(await file.read(tensor)).toString('hex')}`);
      return parts.join();
    } finally {
      await file.close();
    }
  };
  const right = await readEverything();
  let unnoticed = 0;
  for (let at = 0; at < sound.length; at++) {
    const bytes = Buffer.from(sound);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
    try {
      if ((await readEverything()) !== right) unnoticed++;
    } catch (error) {
      assert.ok(error instanceof CheckpointError, `byte ${at}: ${String(error)}`);
    }
  }
  // Changes a reader cannot see: the names themselves ("a" for "`", of the tensor or of its hash), and a shape of the same size.
  assert.ok(unnoticed <= 4, `${unnoticed} changes gave other content without a refusal`);
});

test('an unknown element type, a gap, a hole in the end and a wrong size are refused by name', () => {
  const header = (entries: object) => new TextEncoder().encode(JSON.stringify(entries));
  const parse = (entries: object, dataBytes: number) => {
    const json = header(entries);
    return parseHeader('x', json, 8 + json.length + dataBytes);
  };
  const float = (shape: number[], from: number, end: number) => ({
    dtype: 'F32',
    shape,
    data_offsets: [from, end],
  });
  const refused = (entries: object, dataBytes: number, info: object) =>
    assert.throws(
      () => parse(entries, dataBytes),
      (error: unknown) => {
        assert.ok(error instanceof CheckpointError);
        assert.deepEqual({ ...error.info, ...info }, error.info);
        return true;
      },
    );
  refused({ w: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] } }, 4, {
    code: 'CHECKPOINT_DTYPE_UNKNOWN',
    tensor: 'w',
    dtype: 'F8_E4M3',
  });
  refused({ a: float([1], 0, 4), b: float([1], 8, 12) }, 12, { code: 'CHECKPOINT_CORRUPT', tensor: 'b' });
  refused({ a: float([1], 0, 4) }, 8, { code: 'CHECKPOINT_CORRUPT' });
  refused({ a: float([2], 0, 4) }, 4, { code: 'CHECKPOINT_CORRUPT', tensor: 'a' });
  refused({ a: float([-1], 0, 4) }, 4, { code: 'CHECKPOINT_CORRUPT', tensor: 'a' });
  refused({ a: null }, 4, { code: 'CHECKPOINT_CORRUPT', tensor: 'a' });
  refused([], 0, { code: 'CHECKPOINT_CORRUPT' });
});

test('any header that is written is read back', () => {
  const tensor = fc.record({
    name: fc
      .string({ minLength: 1 })
      .filter((name) => name !== '__metadata__' && name !== '__proto__' && !/^\d+$/.test(name)),
    dtype: fc.constantFrom('F32', 'F16', 'BF16', 'U8'),
    shape: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(tensor, { selector: (t) => t.name }), (tensors) => {
      const bytes = encodeHeader(tensors, { note: 'ü' });
      const probe = JSON.parse(new TextDecoder().decode(bytes.subarray(8))) as Record<
        string,
        { data_offsets: number[] }
      >;
      const data = Math.max(0, ...tensors.map(({ name }) => probe[name]!.data_offsets[1]!));
      const back = parseHeader('x', bytes.subarray(8), bytes.length + data);
      assert.deepEqual(
        back.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
        tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
      );
      assert.deepEqual(back.metadata, { note: 'ü' });
    }),
    { numRuns: 200 },
  );
});

test('tensors that do not belong to the config, and values that are not finite, are refused by name', async (t) => {
  const { dir, file } = await exported(t);
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Record<string, unknown>;
  const withConfig = (changes: object) =>
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, ...changes }));
  withConfig({ num_hidden_layers: 3 });
  await assert.rejects(openCheckpoint(dir), {
    info: { code: 'CHECKPOINT_TENSOR_MISSING', file, tensor: 'model.layers.2.input_layernorm.weight' },
  });
  withConfig({ num_hidden_layers: 1 });
  await assert.rejects(openCheckpoint(dir), { code: 'CHECKPOINT_TENSOR_UNEXPECTED' });
  withConfig({ intermediate_size: 73 });
  await assert.rejects(openCheckpoint(dir), {
    info: {
      code: 'CHECKPOINT_SHAPE',
      file,
      tensor: 'model.layers.0.mlp.gate_proj.weight',
      want: [73, 48],
      got: [72, 48],
    },
  });
  for (const [field, value] of [
    ['model_type', 'mistral'],
    ['tie_word_embeddings', true],
    ['rope_scaling', { rope_type: 'linear', factor: 2 }],
    ['head_dim', 16],
    ['vocab_size', '1024'],
  ] as const) {
    withConfig({ [field]: value });
    await assert.rejects(openCheckpoint(dir), { code: 'CHECKPOINT_CONFIG' }, field);
  }
  withConfig({ alice: {} });
  await assert.rejects(openCheckpoint(dir), { code: 'CHECKPOINT_CONFIG' });

  const broken = parameters.slice();
  broken[5] = Number.NaN;
  const bad = scratchFolder(t);
  await exportSafetensors({ ...sample, weights: tensorsOf(sampleConfig, broken), dtype: 'F32', dir: bad });
  await assert.rejects(readAll(bad), {
    info: {
      code: 'CHECKPOINT_NOT_FINITE',
      file: join(bad, 'model.safetensors'),
      tensor: 'model.embed_tokens.weight',
      element: 5,
    },
  });
});

test('what transformers saved again is read: base of the angles in another place, no hashes', async (t) => {
  const { dir } = await exported(t);
  const path = join(dir, 'config.json');
  const {
    rope_theta,
    rope_scaling: _,
    ...rest
  } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...rest, rope_parameters: { rope_type: 'default', rope_theta } }));
  rmSync(join(dir, 'SHA256SUMS'));
  const checkpoint = await openCheckpoint(dir);
  assert.equal(checkpoint.config.ropeTheta, 10_000);
  await checkpoint.close();
});

test('a folder without a checkpoint says which file is missing', async (t) => {
  const dir = scratchFolder(t);
  await assert.rejects(openCheckpoint(dir), {
    info: { code: 'CHECKPOINT_MISSING', file: `${dir}/config.json` },
  });
});

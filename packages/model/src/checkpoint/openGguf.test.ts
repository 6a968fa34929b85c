/** @file Reading GGUF back: the same bits, and a refusal that names file and tensor for every kind of damage. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { errorCodeOf, utf8 } from '@alice/protocol';
import fc from 'fast-check';
import { CheckpointError, type CheckpointErrorInfo } from './checkpointError.js';
import { exportGguf } from './exportGguf.js';
import { GgufWriter } from './GgufWriter.js';
import { parseGgufHead } from './ggufHead.js';
import { openCheckpoint } from './openCheckpoint.js';
import { tensorsOf } from './tensorSource.js';
import { sampleConfig, sampleFacts, sampleParameters } from './testing/exportSample.js';
import { scratchFolder } from './testing/scratchFolder.js';

const parameters = sampleParameters();
const sample = { config: sampleConfig, facts: sampleFacts, weights: tensorsOf(sampleConfig, parameters) };

async function exported(t: TestContext, dtype: 'F32' | 'F16' = 'F32'): Promise<string> {
  const path = join(scratchFolder(t), 'alice.gguf');
  await exportGguf({ ...sample, dtype, path });
  return path;
}

async function readAll(path: string): Promise<Float32Array> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await checkpoint.parameters();
  } finally {
    await checkpoint.close();
  }
}

async function refusalOf(path: string): Promise<CheckpointErrorInfo> {
  const error = await readAll(path).then(
    () => assert.fail('it was opened'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CheckpointError, String(error));
  assert.equal(error.info.file, path);
  assert.ok(error.message.includes(path));
  return error.info;
}

/** Writes `to` over the first `from` in the file. */
function replaceBytes(path: string, from: Uint8Array, to: Uint8Array): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(from);
  assert.ok(at > 0);
  bytes.set(to, at);
  writeFileSync(path, bytes);
}

for (const dtype of ['F32', 'F16'] as const)
  test(`${dtype}: settings, facts and weights come back bit for bit`, async (t) => {
    const path = await exported(t, dtype);
    const checkpoint = await openCheckpoint(path);
    assert.deepEqual(checkpoint.config, sampleConfig);
    assert.deepEqual(checkpoint.facts, sampleFacts);
    await checkpoint.close();
    assert.deepEqual(await readAll(path), parameters);
  });

test('a changed byte in a weight is found in its tensor, and so is a number that is none', async (t) => {
  const path = await exported(t);
  const bytes = readFileSync(path);
  bytes[bytes.length - 3]! ^= 0x10;
  writeFileSync(path, bytes);
  assert.deepEqual((await refusalOf(path)).code, 'CHECKPOINT_HASH_MISMATCH');
  assert.deepEqual(((await refusalOf(path)) as { tensor: string }).tensor, 'output.weight');
  const spoilt = parameters.slice();
  spoilt[7] = Number.NaN;
  await exportGguf({ ...sample, weights: tensorsOf(sampleConfig, spoilt), dtype: 'F32', path });
  const info = await refusalOf(path);
  assert.deepEqual(
    [info.code, 'tensor' in info && info.tensor],
    ['CHECKPOINT_NOT_FINITE', 'token_embd.weight'],
  );
});

test('cut off anywhere it is refused, and the first tensor that is not whole is named', async (t) => {
  const path = await exported(t, 'F16');
  const whole = readFileSync(path);
  const ends = [whole.length - 1, 180_000, 100_000, 29_000, 300, 24, 3, 0];
  const refusals = [];
  for (const end of ends) {
    truncateSync(path, end);
    const info = await refusalOf(path);
    refusals.push(info.code === 'CHECKPOINT_TRUNCATED' ? (info.tensor ?? 'head') : info.code);
  }
  assert.deepEqual(refusals, [
    'output.weight',
    'blk.1.ffn_gate.weight',
    'token_embd.weight',
    ...Array(5).fill('head'),
  ]);
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(32)]));
  assert.equal((await refusalOf(path)).code, 'CHECKPOINT_CORRUPT');
});

test('no changed byte before the data goes unnoticed: settings and tokenizer are sealed', async (t) => {
  const path = await exported(t, 'F16');
  const sound = readFileSync(path);
  const { dataFrom } = parseGgufHead(path, sound)!;
  const key = sound.indexOf(utf8.encode('alice.head_sha256'));
  const rope = sound.indexOf(utf8.encode('llama.rope.freq_base'));
  const places = Array.from({ length: 300 }, (_, i) => (i < 100 ? rope - 50 + i : (i * 7919) % dataFrom));
  for (const at of places) {
    if (at >= key - 16 && at < key + 29) continue; // the key itself: without it the file is one of before
    writeFileSync(path, sound);
    const file = readFileSync(path);
    file[at]! ^= 1;
    writeFileSync(path, file);
    await refusalOf(path);
  }
});

test('what is not ours, quantised, of another shape, or announces what is not there is refused by its code', async (t) => {
  const path = await exported(t);
  const refused = async (from: string | Uint8Array, to: string | Uint8Array): Promise<string> => {
    const whole = readFileSync(path);
    const bytes = (part: string | Uint8Array): Uint8Array =>
      typeof part === 'string' ? utf8.encode(part) : part;
    replaceBytes(path, bytes(from), bytes(to));
    const info = await refusalOf(path);
    writeFileSync(path, whole);
    return `${info.code} ${'tensor' in info ? info.tensor : 'field' in info ? info.field : ''}`.trim();
  };
  assert.equal(await refused('alice.tokenizer', 'other.tokenizer'), 'CHECKPOINT_CONFIG alice.tokenizer');
  assert.equal(
    await refused('blk.1.ffn_up', 'blk.9.ffn_up'),
    'CHECKPOINT_TENSOR_UNEXPECTED blk.9.ffn_up.weight',
  );
  const name = (text: string, ...rest: number[]) => Buffer.concat([utf8.encode(text), Buffer.from(rest)]);
  const norm = 'output_norm.weight';
  assert.equal(
    await refused(name(norm, 1, 0, 0, 0, 48), name(norm, 1, 0, 0, 0, 49)),
    `CHECKPOINT_SHAPE ${norm}`,
  );
  const shape = [1, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0] as const;
  assert.equal(
    await refused(name(norm, ...shape, 0), name(norm, ...shape, 2)),
    `CHECKPOINT_DTYPE_UNKNOWN ${norm}`,
  );
  const blocks = 'llama.block_count';
  assert.equal(
    await refused(name(blocks, 4, 0, 0, 0, 2, 0, 0, 0), name(blocks, 4, 0, 0, 0, 255, 255, 255, 127)),
    'CHECKPOINT_TENSOR_MISSING model.layers.2147483646.input_layernorm.weight',
  );
});

test('what a killed export left behind is gone after the next one', async (t) => {
  const path = await exported(t);
  const dead = `${path}.4194303.tmp`;
  const alive = `${path}.${process.ppid}.tmp`;
  for (const left of [dead, alive]) writeFileSync(left, 'half a model');
  await exportGguf({ ...sample, dtype: 'F32', path });
  assert.deepEqual([existsSync(dead), existsSync(alive)], [false, true]);
});

test('any bytes are a head, the beginning of one, or refused', () => {
  const head = new GgufWriter().text('a', 'b').u32('c', 1).texts('d', ['e']).bool('f', true).head([]);
  assert.deepEqual(
    [...parseGgufHead('x', head)!.pairs],
    [
      ['a', 'b'],
      ['c', 1],
      ['d', ['e']],
      ['f', true],
    ],
  );
  const start = head.subarray(0, 24);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(head.length - 1), fc.nat(255), (rest, at, byte) => {
      const changed = head.slice();
      changed[at] = byte;
      for (const bytes of [rest, Buffer.concat([start, rest]), changed, head.subarray(0, at)])
        try {
          parseGgufHead('x', bytes);
        } catch (error) {
          assert.equal(errorCodeOf(error), 'CHECKPOINT_CORRUPT');
        }
    }),
  );
});

/** @file Hashed pages: the same numbers as plain weights from any range, and any damaged byte found where it lies. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromHalves, seededRandom, type TensorSpec, toHalves } from '@alice/protocol';
import { openSafetensors } from '../checkpoint/safetensorsFile.js';
import { tensorsOf } from '../checkpoint/tensorSource.js';
import { initParameters } from '../initParameters.js';
import { modelLayout } from '../modelLayout.js';
import { resolveModel } from '../presets.js';
import { createStreamedModel } from './createStreamedModel.js';
import { openWeightPages } from './openWeightFile.js';
import { PAGE_BYTES } from './PageHasher.js';
import { memoryWeights } from './WeightSource.js';
import { writeWeightPages } from './writeWeightPages.js';

const config = resolveModel('nano', { vocab: 1024 });
const layout = modelLayout(config);
const parameters = fromHalves(toHalves(initParameters(config, 'pages'), { saturate: true }));
const folder = mkdtempSync(join(tmpdir(), 'alice-pages-'));
const path = join(folder, 'weights.safetensors');
const damagedPath = join(folder, 'damaged.safetensors');
let dataFrom = 0;

before(async () => {
  await writeWeightPages(path, tensorsOf(config, parameters), 'F16');
  const file = await openSafetensors(path);
  dataFrom = file.tensors[0]!.from;
  await file.close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('halves are stored as they are, FP32 numbers as their halves: the same file', async () => {
  const other = join(folder, 'halves.safetensors');
  const stored = toHalves(parameters, { saturate: true });
  const halves = {
    layout,
    read: async ({ offset, size }: TensorSpec) => stored.subarray(offset, offset + size),
  };
  await writeWeightPages(other, halves, 'F16');
  assert.ok(readFileSync(other).equals(readFileSync(path)));
  rmSync(other);
});

test('any range holds what was written, across and within pages', async () => {
  const source = await openWeightPages(path, layout);
  assert.deepEqual([source.dtype, source.size], ['float16', layout.size]);
  const random = seededRandom('ranges');
  const perPage = PAGE_BYTES / 2;
  const ranges = [
    ...[
      { offset: 0, size: layout.size },
      { offset: perPage - 1, size: 2 },
      { offset: perPage, size: perPage },
    ],
    ...[
      { offset: layout.size - 1, size: 1 },
      { offset: 3, size: 5 },
    ],
    ...Array.from({ length: 20 }, () => {
      const offset = random.below(layout.size - 1);
      return { offset, size: 1 + random.below(Math.min(3 * perPage, layout.size - offset) - 1) };
    }),
  ];
  for (const { offset, size } of ranges) {
    const got = fromHalves((await source.read({ offset, size })) as Uint16Array);
    assert.deepEqual(got, parameters.slice(offset, offset + size), `${offset}+${size}`);
  }
  await source.close();
});

test('a model streamed from pages computes what one streamed from memory does', async () => {
  const random = seededRandom('tokens');
  const tokens = Uint16Array.from({ length: 2 * 17 }, () => random.below(config.vocab));
  const shape = { batch: 2, sequenceLength: 16, threads: 1 };
  const source = await openWeightPages(path, layout);
  const [paged, plain] = [source, memoryWeights(parameters)].map((own) =>
    createStreamedModel(config, { ...shape, source: own }),
  );
  assert.deepEqual(await paged!.losses(tokens), await plain!.losses(tokens));
  await source.close();
});

test('a changed byte anywhere is refused with file and tensor, by reads that touch its page only', async () => {
  const pages = Math.ceil((2 * layout.size) / PAGE_BYTES);
  const named = new Set<string>();
  for (let page = 0; page < pages; page += 2) {
    const start = (page * PAGE_BYTES) / 2;
    const middle = Math.min(start + PAGE_BYTES / 4, layout.size - 1);
    const { name } = layout.tensors.find(({ offset, size }) => offset + size > start)!;
    named.add(name);
    const bytes = readFileSync(path);
    bytes[dataFrom + 2 * middle]! ^= 1;
    writeFileSync(damagedPath, bytes);
    const source = await openWeightPages(damagedPath, layout);
    await assert.rejects(source.read({ offset: middle, size: 1 }), (error: Error & { info: object }) => {
      const { code, file, tensor } = error.info as { code: string; file: string; tensor: string };
      assert.deepEqual([code, file, tensor], ['CHECKPOINT_HASH_MISMATCH', damagedPath, name]);
      return true;
    });
    const elsewhere = page === 0 ? layout.size - 1 : 0;
    await source.read({ offset: elsewhere, size: 1 });
    await source.close();
  }
  assert.ok(named.size >= 4, `damage in ${[...named]}`);
});

test('a file cut short, of another model or without page hashes is refused when it is opened', async () => {
  writeFileSync(damagedPath, readFileSync(path).subarray(0, -1000));
  await assert.rejects(openWeightPages(damagedPath, layout), { code: 'CHECKPOINT_TRUNCATED' });
  const other = modelLayout(resolveModel('nano', { vocab: 512 }));
  await assert.rejects(openWeightPages(path, other), { code: 'CHECKPOINT_CORRUPT' });
  const text = readFileSync(path).toString('latin1');
  writeFileSync(damagedPath, text.replace('"pages"', '"pagez"'), 'latin1');
  await assert.rejects(openWeightPages(damagedPath, layout), { code: 'CHECKPOINT_CORRUPT' });
});

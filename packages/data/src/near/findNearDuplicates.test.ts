import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { type Random, seededRandom } from '@alice/protocol';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { documentSignature, equalValues, SIGNATURE_BYTES } from './documentSignature.js';
import { findNearDuplicates, isUnsigned, type NearDuplicateOptions } from './findNearDuplicates.js';

function signed(text: string): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  documentSignature(text, signature);
  return signature;
}

function words(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => `w${random.below(5000)}`);
}

function changed(random: Random, text: readonly string[], every: number): string[] {
  return text.map((word) => (random.below(every) === 0 ? `x${random.below(5000)}` : word));
}

/** Five-word shingles in common by all of them. */
function jaccard(a: readonly string[], b: readonly string[]): number {
  const shingles = (text: readonly string[]): Set<string> =>
    new Set(text.slice(4).map((_, i) => text.slice(i, i + 5).join(' ')));
  const [x, y] = [shingles(a), shingles(b)];
  const common = [...x].filter((shingle) => y.has(shingle)).length;
  return common / (x.size + y.size - common);
}

it('estimates the part of common shingles, for short and long texts', () => {
  const random = seededRandom('signature');
  for (const [length, every] of [
    [40, 100],
    [40, 30],
    [1000, 100],
    [1000, 20],
    [20_000, 40],
  ] as const) {
    let [bias, squares] = [0, 0];
    const pairs = 60;
    for (let i = 0; i < pairs; i++) {
      const a = words(random, length);
      const b = changed(random, a, every);
      const error = equalValues(signed(a.join(' ')), signed(b.join(' '))) / 128 - jaccard(a, b);
      bias += error / pairs;
      squares += error ** 2 / pairs;
    }
    // The standard error of 128 draws is at most 0.044.
    assert.ok(Math.abs(bias) < 0.02, `${length}/${every}: bias ${bias}`);
    assert.ok(Math.sqrt(squares) < 0.06, `${length}/${every}: error ${Math.sqrt(squares)}`);
  }
});

it('looks at words alone, and does not sign what is too short', () => {
  const text = 'Call me Ishmael. Some years ago—never mind how long precisely—having little or no money';
  const same = [
    'call ME ishmael',
    'some years ago never',
    'mind how long, precisely',
    'having little or no money!!',
  ];
  assert.deepEqual(signed(same.join('\n\n')), signed(text));
  assert.notDeepEqual(signed(text.replace('money', 'honey')), signed(text));
  assert.ok(isUnsigned(signed('one two three four five six seven eight nine')));
  assert.ok(!isUnsigned(signed('one two three four five six seven eight nine ten')));
  assert.ok(!isUnsigned(signed('私は学生です。今日は海へ')), 'Han and kana are words one by one');
  // Longer than the piece in which words are gathered: what is at the border counts as everywhere.
  const long = words(seededRandom('long'), 40_000);
  for (const at of [16_380, 16_383, 16_384, 32_760]) {
    const other = [...long];
    other[at] = 'changed';
    assert.ok(equalValues(signed(other.join(' ')), signed(long.join(' '))) >= 126);
  }
  assert.deepEqual(signed(long.join(' ')), signed(long.join('  ')));
});

interface Given {
  readonly text: readonly string[];
  readonly split: number;
}

async function near(
  t: TestContext,
  given: readonly Given[],
  more: Partial<NearDuplicateOptions> = {},
): Promise<number[]> {
  const signatures = given.map(({ text }) => signed(text.join(' ')));
  const { near: found } = await findNearDuplicates({
    documents: {
      count: given.length,
      async *read() {
        for (const [number, signature] of signatures.entries())
          yield { number, signature, split: given[number]!.split };
      },
      signature: async (number) => signatures[number]!,
    },
    mode: 'drop',
    leftOut: { has: () => false },
    scratchDir: `${temporaryFolder(t)}/s`,
    ...more,
  });
  return given.flatMap((_, i) => (found.has(i) ? [i] : []));
}

it('finds near-duplicates above the threshold, hardly any below, none of other texts; says the same with many buckets', async (t) => {
  const random = seededRandom('near');
  const given: Given[] = [];
  const likeness: number[] = [];
  const add = (text: readonly string[], like: number): void => {
    given.push({ text, split: 0 });
    likeness.push(like);
  };
  for (let i = 0; i < 400; i++) {
    const text = words(random, 60 + random.below(400));
    add(text, 0);
    for (const every of [400, 20, 8]) {
      const other = changed(random, text, every);
      add(other, jaccard(text, other));
    }
  }
  const found = new Set(await near(t, given));
  assert.deepEqual([...(await near(t, given, { bucketEntries: 500 }))], [...found]);
  const rate = (from: number, to: number): number => {
    const own = likeness.flatMap((like, i) => (like >= from && like < to ? [i] : []));
    assert.ok(own.length > 50, `${own.length} pairs from ${from} to ${to}`);
    return own.filter((i) => found.has(i)).length / own.length;
  };
  assert.ok(rate(0.9, 1.1) > 0.98, `${rate(0.9, 1.1)}`);
  assert.ok(rate(0.55, 0.68) < 0.02, `${rate(0.55, 0.68)}`);
  assert.equal(rate(0, 0.01), 0);
});

it('keeps the first of many copies; keeps copies of one split but none in two; does not look back at later documents', async (t) => {
  const random = seededRandom('copies');
  const text = words(random, 300);
  const copies = Array.from({ length: 50 }, () => changed(random, text, 1000));
  const given = copies.map((copy, i) => ({ text: copy, split: i < 20 ? 0 : i < 30 ? 1 : i < 40 ? 0 : 2 }));
  assert.deepEqual(
    await near(t, given),
    Array.from({ length: 49 }, (_, i) => i + 1),
  );
  // Training comes first: validation and audit give way, and training after validation too.
  assert.deepEqual(
    await near(t, given, { mode: 'keep' }),
    Array.from({ length: 30 }, (_, i) => i + 20),
  );
  const all = await near(t, given, { mode: 'keep' });
  for (const length of [5, 20, 25, 31, 45])
    assert.deepEqual(
      await near(t, given.slice(0, length), { mode: 'keep' }),
      all.filter((i) => i < length),
    );
  assert.deepEqual(await near(t, given, { leftOut: { has: (i) => i !== 7 && i !== 33 } }), [33]);
});

/** @file The inflater against zlib itself on all block types, and its limits against hostile streams. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { WireError } from './errors.js';
import { inflate, inflateWrittenOut } from './inflate.js';
import { platformInflate } from './platformInflate.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'ok';
}

/** Bytes with structure, so that matches, literals and all code lengths occur. */
function sample(sizeBytes: number, alphabet: number, seed: string): Uint8Array {
  const random = seededRandom(seed);
  return new Uint8Array(sizeBytes).map(() => Math.floor(random.unit() ** 4 * alphabet));
}

test('inflates what zlib deflates: every level and strategy, every alphabet', () => {
  const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = constants;
  for (const level of [0, 1, 6, 9])
    for (const strategy of [Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY])
      for (const [size, alphabet] of [
        [0, 1],
        [1, 256],
        [300, 2],
        [70_000, 256],
        [200_000, 1],
        [150_000, 40],
      ] as const) {
        const data = sample(size, alphabet, `${size}`);
        const stream = new Uint8Array(deflateSync(data, { level, strategy }));
        for (const way of [inflate, inflateWrittenOut, platformInflate])
          assert.deepEqual(
            way(stream, size),
            data,
            `${way.name}, level ${level}, strategy ${strategy}, ${size} of ${alphabet}`,
          );
      }
});

test('long codes (beyond the fast table) decode', () => {
  // Fibonacci frequencies give the deepest Huffman trees.
  const parts: number[] = [];
  for (let symbol = 0, a = 1, b = 1; symbol < 20; symbol++, [a, b] = [b, a + b])
    for (let i = 0; i < a; i++) parts.push(symbol);
  const random = seededRandom('fibonacci');
  for (let i = parts.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [parts[i], parts[j]] = [parts[j]!, parts[i]!];
  }
  const data = Uint8Array.from(parts);
  const stream = new Uint8Array(deflateSync(data, { level: 9, strategy: constants.Z_HUFFMAN_ONLY }));
  assert.deepEqual(inflateWrittenOut(stream, data.length), data);
});

test('a stream that would grow past its announced size is stopped, one that is shorter is refused', () => {
  const bomb = new Uint8Array(deflateSync(new Uint8Array(50_000_000), { level: 9 }));
  assert.ok(bomb.length < 60_000);
  assert.equal(
    codeOf(() => inflate(bomb, 1000)),
    'WIRE_INFLATE_LIMIT',
  );
  assert.equal(
    codeOf(() => inflate(bomb, 50_000_001)),
    'WIRE_INFLATE_SHORT',
  );
  assert.equal(
    codeOf(() => inflate(bomb, 2 ** 40)),
    'WIRE_INFLATE_LIMIT',
    'refused before allocating',
  );
  const stored = new Uint8Array(deflateSync(sample(1000, 256, 's'), { level: 0 }));
  assert.equal(
    codeOf(() => inflate(stored, 999)),
    'WIRE_INFLATE_LIMIT',
  );
});

test('a stream cut into tiny blocks is refused after a few, an ordinary one never is', () => {
  const emptyStored = [0, 0, 0, 0xff, 0xff];
  const flood = Uint8Array.from([
    0x78,
    0x9c,
    ...Array.from({ length: 1000 }, () => emptyStored).flat(),
    1,
    0,
    0,
    0xff,
    0xff,
    0,
    0,
    0,
    1,
  ]);
  assert.equal(inflateSync(flood).length, 0, 'valid for zlib');
  assert.equal(
    codeOf(() => inflate(flood, 0)),
    'WIRE_INFLATE_BLOCKS',
  );
  const few = Uint8Array.from([...flood.subarray(0, 2 + 15 * 5), ...flood.subarray(-9)]);
  assert.equal(inflate(few, 0).length, 0);
  for (const [alphabet, memLevel] of [
    [1, 8],
    [4, 8],
    [256, 8],
    [256, 9],
    [40, 5],
  ] as const) {
    const data = sample(300_000, alphabet, `m${memLevel}`);
    const stream = new Uint8Array(deflateSync(data, { memLevel }));
    assert.deepEqual(
      inflateWrittenOut(stream, data.length),
      data,
      `memLevel ${memLevel}, ${alphabet} symbols`,
    );
  }
});

test('damage, cuts and additions all have their code', () => {
  const data = sample(5000, 60, 'x');
  const stream = new Uint8Array(deflateSync(data));
  assert.equal(
    codeOf(() => inflate(new Uint8Array([...stream, 0]), 5000)),
    'WIRE_TRAILING_BYTES',
  );
  const wrongSum = stream.slice();
  wrongSum[wrongSum.length - 1]! ^= 1;
  assert.equal(
    codeOf(() => inflate(wrongSum, 5000)),
    'WIRE_CHECKSUM',
  );
  for (let length = 5; length < stream.length; length++)
    assert.equal(
      codeOf(() => inflate(stream.subarray(0, length), 5000)),
      'WIRE_TRUNCATED',
      `cut at ${length}`,
    );
  const header = (bytes: number[]): string =>
    codeOf(() => inflate(Uint8Array.from([...bytes, ...stream.subarray(2)]), 5000));
  assert.equal(header([0x79, 0x9c]), 'WIRE_INFLATE_INVALID', 'not deflate');
  assert.equal(header([0x78, 0x9d]), 'WIRE_INFLATE_INVALID', 'header check');
  assert.equal(header([0x78, 0xbb]), 'WIRE_INFLATE_INVALID', 'preset dictionary');
  assert.equal(
    codeOf(() => inflate(Uint8Array.of(0x78, 0x9c, 0x07), 1)),
    'WIRE_INFLATE_INVALID',
    'block type 3',
  );
  assert.equal(
    codeOf(() => inflate(Uint8Array.of(0x78, 0x9c, 1, 5, 0, 5, 0, 1, 2, 3, 4, 5), 5)),
    'WIRE_INFLATE_INVALID',
    'stored length check',
  );
  // Fixed block whose first symbol is a match: nothing to copy from.
  assert.equal(
    codeOf(() => inflate(Uint8Array.of(0x78, 0x9c, 0x03, 0x02, 0, 0, 0, 0, 0), 3)),
    'WIRE_INFLATE_INVALID',
    'distance before the start',
  );
});

test('zlib takes nothing that the decoder written out refuses: no cut, addition, other size or damage', () => {
  const data = sample(20_000, 60, 'zlib');
  const stream = new Uint8Array(deflateSync(data));
  assert.deepEqual(platformInflate(stream, data.length), data);
  for (const [what, bytes, sizeBytes] of [
    ['cut', stream.subarray(0, -1), data.length],
    ['followed', Uint8Array.of(...stream, 0), data.length],
    ['longer than announced', stream, data.length - 1],
    ['shorter than announced', stream, data.length + 1],
    ['of nothing announced', stream, 0],
  ] as const)
    assert.equal(platformInflate(bytes, sizeBytes), undefined, what);
  const damage = fc.array(fc.tuple(fc.nat(stream.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(damage, (flips) => {
      const damaged = stream.slice();
      for (const [at, mask] of flips) damaged[at]! ^= mask;
      const taken = platformInflate(damaged, data.length);
      if (taken) assert.deepEqual(inflateWrittenOut(damaged, data.length), taken);
    }),
    { numRuns: 1500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (junk, size) => {
      const taken = platformInflate(Uint8Array.of(0x78, 0x9c, ...junk), size);
      if (taken) assert.deepEqual(inflateWrittenOut(Uint8Array.of(0x78, 0x9c, ...junk), size), taken);
    }),
    { numRuns: 1500 },
  );
});

test('any bytes end in a result or a WireError', () => {
  const data = sample(3000, 80, 'fuzz');
  const stream = new Uint8Array(deflateSync(data));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(5000), (junk, size) => {
      codeOf(() => inflate(junk, size));
      codeOf(() => inflate(Uint8Array.of(0x78, 0x9c, ...junk), size));
    }),
    { numRuns: 1500 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(stream.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (flips) => {
        const mutated = stream.slice();
        for (const [at, mask] of flips) mutated[at]! ^= mask;
        // The padding bits before the checksum carry nothing; any other damage is refused.
        codeOf(() => assert.deepEqual(inflate(mutated, 3000), data));
      },
    ),
    { numRuns: 1500 },
  );
});

/** What zlib makes of a stream, in our terms. */
function zlibVerdict(stream: Uint8Array): 'ends' | 'invalid' | 'truncated' {
  try {
    inflateSync(stream);
    return 'ends';
  } catch (error) {
    const { message } = error as Error;
    if (message === 'incorrect data check') return 'ends';
    return message === 'unexpected end of file' ? 'truncated' : 'invalid';
  }
}

test('code tables zlib refuses are refused: block headers mutated bit by bit, verdicts compared', () => {
  const verdicts = new Set<string>();
  const ours = (stream: Uint8Array): string => codeOf(() => inflate(stream, 1032 * stream.length));
  const agree = (stream: Uint8Array): void => {
    const verdict = zlibVerdict(stream);
    const code = ours(stream);
    verdicts.add(verdict);
    const expected = {
      ends: ['WIRE_INFLATE_SHORT'],
      truncated: ['WIRE_TRUNCATED'],
      invalid: ['WIRE_INFLATE_INVALID', 'WIRE_TRUNCATED'],
    }[verdict];
    assert.ok(
      expected.includes(code),
      `zlib: ${verdict}, ours: ${code}, ${Buffer.from(stream).toString('hex')}`,
    );
  };
  for (const [size, alphabet, level] of [
    [400, 40, 9],
    [600, 5, 9],
    [300, 200, 6],
    [2000, 1, 9],
    [90, 9, 1],
  ] as const) {
    const stream = new Uint8Array(deflateSync(sample(size, alphabet, 'header'), { level }));
    for (let bit = 16; bit < Math.min(stream.length * 8, 700); bit++)
      for (const other of [0, 1, 3, 5, 11]) {
        const mutated = stream.slice();
        mutated[bit >> 3]! ^= 1 << (bit & 7);
        if (other > 0 && (bit + other) >> 3 < stream.length)
          mutated[(bit + other) >> 3]! ^= 1 << ((bit + other) & 7);
        agree(mutated);
      }
  }
  assert.deepEqual([...verdicts].sort(), ['ends', 'invalid', 'truncated']);
});

test('symbols and tables that cannot be are refused', () => {
  /** Bits lowest first, as a block is written; Huffman codes must be given reversed. */
  const streamOf = (...fields: [value: number, bits: number][]): Uint8Array => {
    const bits = fields.flatMap(([value, count]) =>
      Array.from({ length: count }, (_, i) => (value >> i) & 1),
    );
    const bytes = new Uint8Array(Math.ceil(bits.length / 8) + 12);
    for (const [i, bit] of bits.entries()) bytes[i >> 3]! |= bit << (i & 7);
    return Uint8Array.of(0x78, 0x9c, ...bytes);
  };
  const reversed = (code: number, bits: number): [number, number] => [
    Number.parseInt(code.toString(2).padStart(bits, '0').split('').reverse().join(''), 2),
    bits,
  ];
  const fixedBlock: [number, number][] = [
    [1, 1],
    [1, 2],
  ];
  const a = reversed(0x30 + 97, 8); // literal 'a'
  const length3 = reversed(1, 7);
  /** Last dynamic block with 257 literals, 1 distance; lengths 0, 1, 2, 18 have code-length codes of 2 bits each. */
  const dynamic: [number, number][] = [
    [1, 1],
    [2, 2],
    [0, 5],
    [0, 5],
    [14, 4],
  ];
  const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];
  const listed: [number, number][] = order.map((symbol) => [[0, 1, 2, 18].includes(symbol) ? 2 : 0, 3]);
  const [len0, len1, len2, zeros] = [reversed(0, 2), reversed(1, 2), reversed(2, 2), reversed(3, 2)];
  const skip = (count: number): [number, number][] => [zeros, [count - 11, 7]];
  const head = [...dynamic, ...listed];
  const cases: [string, [number, number][], 'ends' | 'invalid'][] = [
    ['literal 286', [...fixedBlock, reversed(0xc6, 8)], 'invalid'],
    ['distance 30', [...fixedBlock, a, length3, reversed(30, 5)], 'invalid'],
    [
      'a valid table: only the end of the block',
      [...head, ...skip(138), ...skip(118), len1, len1, [0, 1]],
      'ends',
    ],
    ['no end of block', [...head, len1, ...skip(138), ...skip(118), len1, [0, 1]], 'invalid'],
    [
      'incomplete: one code of two bits',
      [...head, ...skip(138), ...skip(118), len2, len1, [0, 2]],
      'invalid',
    ],
    [
      'over-subscribed: three codes of one bit',
      [...head, len1, len1, ...skip(138), ...skip(116), len1, len1, [0, 1]],
      'invalid',
    ],
    ['a run past the end of the table', [...head, ...skip(138), ...skip(138), len1, len1, [0, 1]], 'invalid'],
    [
      'no distance code where none is needed',
      [...head, ...skip(138), ...skip(118), len1, len0, [0, 1]],
      'ends',
    ],
  ];
  for (const [name, fields, verdict] of cases) {
    const stream = streamOf(...fields);
    assert.equal(zlibVerdict(stream), verdict, `${name} (zlib)`);
    assert.equal(
      codeOf(() => inflate(stream, 50)),
      verdict === 'invalid' ? 'WIRE_INFLATE_INVALID' : 'WIRE_INFLATE_SHORT',
      name,
    );
  }
});

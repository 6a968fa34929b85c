/** @file A version that comes part by part: however it is cut, root, chunks and set-delta are those of the whole. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../bytes.js';
import { seededRandom } from '../random.js';
import { memoryScratch, type Scratch } from '../scratch.js';
import { layoutOf } from '../tensorLayout.js';
import { littleEndianBytes } from './halfBytes.js';
import { applySetDelta, decodeSetDelta, encodeSetDelta } from './setDelta.js';
import { SetDeltaEncoder, type SetDeltaHeader } from './setDeltaEncoder.js';
import { cutSnapshot, SnapshotCutter } from './snapshot.js';
import { StateRootBuilder, stateRoot } from './stateRoot.js';

const layout = layoutOf([
  ['empty', [0, 4]],
  ['a', [9000]],
  ['b', [3, 2]],
  ['c', [0]],
  ['d', [4096]],
  ['last', [0]],
]);
const header: SetDeltaHeader = {
  fromVersion: 3,
  toVersion: 4,
  fromRoot: `0x${'11'.repeat(32)}`,
  toRoot: `0x${'22'.repeat(32)}`,
};
const nativeHash = () => createHash('sha256');

function versions(seed: number, changedShare: number): { from: Uint16Array; to: Uint16Array } {
  const random = seededRandom(`versions ${seed}`);
  const from = Uint16Array.from({ length: layout.size }, () => random.u32() & 0xfbff);
  const to = from.map((half) => (random.unit() < changedShare ? random.u32() & 0xfbff : half));
  return { from, to };
}

/** The vector in parts that end at these places, empty ones included. */
function* partsOf(cuts: readonly number[]): Generator<[from: number, to: number]> {
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield [at, cut];
    at = cut;
  }
  yield [at, layout.size];
}

const cuts = fc.array(fc.nat(layout.size), { maxLength: 9 });
const changedShare = fc.constantFrom(0, 0.001, 0.2, 1);

test('any partition gives the root, the chunks and the set-delta of the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      cuts,
      fc.nat(99),
      changedShare,
      fc.integer({ min: 1, max: 30_000 }),
      async (...drawn) => {
        const [places, seed, share, chunkBytes] = drawn;
        const { from, to } = versions(seed, share);
        const roots = [new StateRootBuilder(layout), new StateRootBuilder(layout, nativeHash)];
        const cutter = new SnapshotCutter(chunkBytes);
        const encoder = new SetDeltaEncoder(layout);
        const chunks: Uint8Array[] = [];
        for (const [start, end] of partsOf(places)) {
          const part = to.subarray(start, end);
          for (const root of roots) root.add(part);
          for (const chunk of cutter.add(littleEndianBytes(part))) chunks.push(chunk.slice());
          encoder.add(from.subarray(start, end), part);
        }
        for (const chunk of cutter.finish()) chunks.push(chunk.slice());
        for (const root of roots) assert.equal(root.finish(), stateRoot(to, layout));
        assert.deepEqual(chunks, cutSnapshot(littleEndianBytes(to), chunkBytes).parts);
        assert.deepEqual(
          concatBytes(...[...encoder.finish(header)!.pieces()].map((piece) => piece.slice())),
          await encodeSetDelta(header, { from, to, layout }),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a body too large to be deflated as a whole gives an ordinary stream, the same for any partition', async () => {
  const large = layoutOf([
    ['a', [300_000]],
    ['b', [70_001]],
  ]);
  const random = seededRandom('large');
  const from = new Uint16Array(large.size);
  const to = from.map((_, i) => (i % 3 === 0 ? 0 : random.below(200)));
  const encoded = (parts: number): Uint8Array => {
    const encoder = new SetDeltaEncoder(large, { wholeBytes: 0 });
    for (let part = 0; part < parts; part++) {
      const [start, end] = [part, part + 1].map((p) => Math.floor((p * large.size) / parts));
      encoder.add(from.subarray(start, end), to.subarray(start, end));
    }
    return concatBytes(...[...encoder.finish(header)!.pieces()].map((piece) => piece.slice()));
  };
  const bytes = encoded(1);
  assert.deepEqual(encoded(7), bytes);
  const copy = from.slice();
  applySetDelta(copy, await decodeSetDelta(bytes, { layout: large, expected: header }));
  assert.deepEqual(copy, to);
});

test('what the 32-bit sizes of the format cannot hold is no set-delta, and says so', () => {
  // Stands for a thousand million changes: only how many bytes there are is asked before they are read.
  const claiming = (bytes: number) => (): Scratch => ({ ...memoryScratch(), sizeBytes: bytes });
  const encode = (bytes: number) => {
    const encoder = new SetDeltaEncoder(layout, { newScratch: claiming(bytes) });
    encoder.add(new Uint16Array(layout.size), new Uint16Array(layout.size));
    return encoder.finish(header);
  };
  assert.equal(encode(2 ** 32), undefined);
});

test('too many elements, and too few, are refused', () => {
  const size = (run: () => unknown) =>
    assert.throws(run, (error: { info: { code: string } }) => error.info.code === 'WIRE_SIZE');
  const short = new Uint16Array(layout.size - 1);
  const root = new StateRootBuilder(layout);
  const encoder = new SetDeltaEncoder(layout);
  root.add(short);
  encoder.add(short, short);
  size(() => root.finish());
  size(() => encoder.finish(header));
  size(() => root.add(new Uint16Array(2)));
  size(() => encoder.add(new Uint16Array(2), new Uint16Array(2)));
  size(() => encoder.add(new Uint16Array(1), new Uint16Array(0)));
});

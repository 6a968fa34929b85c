/** @file The state root against an independent computation, and that every part of the state moves it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { layoutOf } from '../tensorLayout.js';
import { WireError } from './errors.js';
import { halvesOfBytes, littleEndianBytes } from './halfBytes.js';
import { StateRootCache, stateRoot } from './stateRoot.js';

const sha = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const layout = layoutOf([
  ['embed.weight', [3, 2]],
  ['norm', [2]],
  ['head', [2, 1]],
]);
const halves = Uint16Array.from({ length: layout.size }, (_, i) => 0x3c00 + 257 * i);

test('equals the root computed from the specification by hand', () => {
  const leaf = (name: string, dims: number[], from: number, to: number): Buffer => {
    const data = Buffer.alloc(2 * (to - from));
    for (let i = from; i < to; i++) data.writeUInt16LE(halves[i]!, 2 * (i - from));
    const head = Buffer.alloc(2 + name.length + 1 + 4 * dims.length + 1);
    head.writeUInt16LE(name.length, 0);
    head.write(name, 2);
    head[2 + name.length] = dims.length;
    for (const [i, dim] of dims.entries()) head.writeUInt32LE(dim, 3 + name.length + 4 * i);
    head[head.length - 1] = 2;
    return sha(Uint8Array.of(0), head, sha(data));
  };
  const left = sha(Uint8Array.of(1), leaf('embed.weight', [3, 2], 0, 6), leaf('norm', [2], 6, 8));
  const root = sha(Uint8Array.of(1), left, leaf('head', [2, 1], 8, 10));
  assert.equal(stateRoot(halves, layout), `0x${root.toString('hex')}`);
  const native = (bytes: Uint8Array): Uint8Array => new Uint8Array(sha(bytes));
  assert.equal(stateRoot(halves, layout, native), stateRoot(halves, layout));
});

test('any bit, name, shape or order changes it', () => {
  const roots = new Set([stateRoot(halves, layout)]);
  for (let i = 0; i < halves.length; i++)
    for (let bit = 0; bit < 16; bit++)
      roots.add(
        stateRoot(
          halves.map((half, at) => (at === i ? half ^ (1 << bit) : half)),
          layout,
        ),
      );
  roots.add(
    stateRoot(
      halves,
      layoutOf([
        ['embed.weighs', [3, 2]],
        ['norm', [2]],
        ['head', [2, 1]],
      ]),
    ),
  );
  roots.add(
    stateRoot(
      halves,
      layoutOf([
        ['embed.weight', [2, 3]],
        ['norm', [2]],
        ['head', [2, 1]],
      ]),
    ),
  );
  roots.add(
    stateRoot(
      halves,
      layoutOf([
        ['embed.weight', [3, 2]],
        ['norm', [2]],
        ['head', [2]],
      ]),
    ),
  );
  roots.add(
    stateRoot(
      halves,
      layoutOf([
        ['embed.weight', [3, 2]],
        ['head', [2, 1]],
        ['norm', [2]],
      ]),
    ),
  );
  assert.equal(roots.size, 1 + 160 + 4);
});

test('the cache hashes only what changed and gives the same root', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(layout.size - 1), fc.integer({ min: 0, max: 0xffff })), { maxLength: 5 }),
      (changes) => {
        let hashed = 0;
        const cache = new StateRootCache(layout, (bytes) => {
          hashed++;
          return new Uint8Array(sha(bytes));
        });
        const state = halves.slice();
        cache.rootOf(state);
        assert.equal(hashed, 3);
        const changed = new Set<number>();
        for (const [at, half] of changes) {
          state[at] = half;
          changed.add(layout.tensors.findIndex(({ offset, size }) => at >= offset && at < offset + size));
        }
        assert.equal(cache.rootOf(state, changed), stateRoot(state, layout));
        assert.equal(hashed, 3 + changed.size);
      },
    ),
    { numRuns: 50 },
  );
});

test('a vector of another size is refused', () => {
  assert.throws(
    () => stateRoot(halves.subarray(1), layout),
    (error) => error instanceof WireError && error.code === 'WIRE_SIZE',
  );
});

test('canonical bytes are low byte first and come back unchanged', () => {
  assert.deepEqual(littleEndianBytes(Uint16Array.of(0x1234, 0xff00)), Uint8Array.of(0x34, 0x12, 0x00, 0xff));
  assert.deepEqual(
    halvesOfBytes(Uint8Array.of(9, 0x34, 0x12, 0x00, 0xff).subarray(1)),
    Uint16Array.of(0x1234, 0xff00),
  );
  assert.throws(
    () => halvesOfBytes(new Uint8Array(3)),
    (error) => error instanceof WireError && error.code === 'WIRE_SIZE',
  );
});

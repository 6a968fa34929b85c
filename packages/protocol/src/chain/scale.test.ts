/** @file SCALE both ways against polkadot.js, and the reader against arbitrary bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TypeRegistry } from '@polkadot/types';
import fc from 'fast-check';
import { ChainError } from './errors.js';
import { ScaleReader } from './ScaleReader.js';
import { compact, hash256, lengthPrefixed, u32, u64, u128, unsigned, vector } from './scaleWrite.js';

const registry = new TypeRegistry();
const theirs = (type: string, value: unknown): Uint8Array => registry.createType(type, value).toU8a();
const uint = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const refused = (run: () => unknown, code: string): void =>
  assert.throws(run, (error) => error instanceof ChainError && error.code === code);

test('integers and compacts are the bytes polkadot.js makes, and read back', () => {
  fc.assert(
    fc.property(uint(32), uint(64), uint(128), fc.nat(128), (small, medium, large, bits) => {
      assert.deepEqual(u32(Number(small)), theirs('u32', small));
      assert.deepEqual(u64(medium), theirs('u64', medium));
      assert.deepEqual(u128(large), theirs('u128', large));
      for (const value of [small, large >> BigInt(bits)]) {
        const bytes = compact(value);
        assert.deepEqual(bytes, theirs('Compact<u128>', value));
        const reader = new ScaleReader(bytes, 'test');
        assert.equal(reader.compact(), value);
        reader.end();
      }
      const reader = new ScaleReader(
        Uint8Array.of(...u32(Number(small)), ...u64(medium), ...u128(large)),
        'test',
      );
      assert.deepEqual([reader.u32(), reader.u64(), reader.u128()], [Number(small), medium, large]);
    }),
  );
});

test('compact at every change of width', () => {
  for (const bits of [6n, 8n, 14n, 16n, 30n, 32n, 40n, 64n, 120n, 127n])
    for (const value of [(1n << bits) - 1n, 1n << bits]) {
      assert.deepEqual(compact(value), theirs('Compact<u128>', value), `${value}`);
      assert.equal(new ScaleReader(compact(value), 'test').compact(), value);
    }
  assert.deepEqual(compact(0), Uint8Array.of(0));
});

test('values that do not fit are refused by the writer', () => {
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53, 256]) refused(() => unsigned(value, 1), 'CALL_INVALID');
  refused(() => u128(1n << 128n), 'CALL_INVALID');
  refused(() => compact(1n << 128n), 'CALL_INVALID');
  refused(() => compact(-1n), 'CALL_INVALID');
  refused(() => hash256('0x12'), 'CALL_INVALID');
});

test('vectors and byte strings are the bytes polkadot.js makes', () => {
  const items = [1, 70_000, 4_294_967_295];
  assert.deepEqual(vector(items.map(u32)), theirs('Vec<u32>', items));
  assert.deepEqual(lengthPrefixed(new Uint8Array(100).fill(7)), theirs('Bytes', `0x${'07'.repeat(100)}`));
  const reader = new ScaleReader(vector(items.map(u32)), 'test');
  assert.deepEqual(
    reader.vector(4, () => reader.u32()),
    items,
  );
});

test('the reader refuses cuts, leftovers, long forms and false counts', () => {
  refused(() => new ScaleReader(Uint8Array.of(1, 2, 3), 'test').u32(), 'SCALE_INVALID');
  refused(() => new ScaleReader(Uint8Array.of(1), 'test').end(), 'SCALE_INVALID');
  const longForms = [
    [1, 0],
    [0xfd, 0],
    [2, 0, 0, 0],
    [0xfe, 0xff, 0, 0],
    [3, 1, 0, 0, 0],
    [3, 0xff, 0xff, 0xff, 0x3f],
    [7, 1, 1, 1, 1, 0],
    [0x37, ...new Array(17).fill(1)],
  ];
  for (const bytes of longForms)
    refused(() => new ScaleReader(Uint8Array.from(bytes), 'test').compact(), 'SCALE_INVALID');
  const huge = Uint8Array.of(0x13, 255, 255, 255, 255, 255, 255, 255, 127);
  const reader = new ScaleReader(huge, 'test');
  refused(() => reader.vector(1, () => assert.fail('no item is there to read')), 'SCALE_INVALID');
});

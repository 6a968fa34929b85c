/** @file Ranges against a plain reading of RFC 9110. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { byteRange } from './byteRange.js';

it('reads the forms of the standard', () => {
  const cases: [string | undefined, ReturnType<typeof byteRange>][] = [
    [undefined, 'all'],
    ['bytes=-', 'all'],
    ['bytes=a-b', 'all'],
    ['bytes=0-1,3-4', 'all'],
    ['bytes= 0-1', 'all'],
    ['bytes=0-0', { from: 0, to: 0 }],
    ['bytes=5-', { from: 5, to: 9 }],
    ['bytes=-3', { from: 7, to: 9 }],
    ['bytes=-30', { from: 0, to: 9 }],
    ['bytes=8-30', { from: 8, to: 9 }],
    ['bytes=10-', 'invalid'],
    ['bytes=5-4', 'invalid'],
    ['bytes=-0', 'invalid'],
  ];
  for (const [header, expected] of cases) assert.deepEqual(byteRange(header, 10), expected, String(header));
});

it('never leaves the content', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(120), fc.nat(120), (size, a, b) => {
      const range = byteRange(`bytes=${a}-${b}`, size);
      if (typeof range === 'object') assert.ok(range.from >= 0 && range.from <= range.to && range.to < size);
    }),
  );
});

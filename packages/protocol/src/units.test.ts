/** @file Money and score units: exact both ways, everything else refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { errorCodeOf } from './errors.js';
import {
  formatAlice,
  MAX_SUPPLY_PLANCK,
  PLANCK_PER_ALICE,
  parseAlice,
  TOKEN_DECIMALS,
  toNanoNats,
} from './units.js';

test('the constants agree with each other', () => {
  assert.equal(PLANCK_PER_ALICE, 10n ** BigInt(TOKEN_DECIMALS));
  assert.equal(formatAlice(MAX_SUPPLY_PLANCK), '21000000');
});

test('any amount written is read back to the planck', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_SUPPLY_PLANCK * 1000n }), (planck) => {
      assert.equal(parseAlice(formatAlice(planck)), planck);
      assert.equal(formatAlice(-planck), planck === 0n ? '0' : `-${formatAlice(planck)}`);
      assert.doesNotMatch(formatAlice(planck), /\.\d*0$|\.$/);
    }),
  );
});

test('amounts at the edges', () => {
  const cases: [bigint, string][] = [
    [0n, '0'],
    [1n, '0.000000000001'],
    [10n ** 12n, '1'],
    [12_500_000_000_000n, '12.5'],
    [10n ** 12n + 1n, '1.000000000001'],
    [99n * 10n ** 10n, '0.99'],
  ];
  for (const [planck, text] of cases) {
    assert.equal(formatAlice(planck), text);
    assert.equal(parseAlice(text), planck);
  }
  assert.equal(parseAlice(' 007.50 '), 7_500_000_000_000n);
});

test('what is not an amount is refused', () => {
  for (const text of [
    '',
    '.',
    '1.',
    '.5',
    '-1',
    '+1',
    '1e3',
    '1,5',
    '0x10',
    '1 000',
    '1.0000000000001',
    '1234567890123',
    'NaN',
    '١',
  ])
    assert.throws(
      () => parseAlice(text),
      (error) => errorCodeOf(error) === 'AMOUNT_INVALID',
      text,
    );
});

test('scores are whole nano-nats, rounded down, never negative, never from a number that is not finite', () => {
  const cases: [number, bigint][] = [
    [0, 0n],
    [1, 1_000_000_000n],
    [0.5, 500_000_000n],
    [1e-9, 1n],
    [1.9e-9, 1n],
    [9e-10, 0n],
    [-1, 0n],
    [-0, 0n],
    [Number.NaN, 0n],
    [Number.POSITIVE_INFINITY, 0n],
    [1e300, 10n ** 15n],
  ];
  for (const [nats, nanoNats] of cases) assert.equal(toNanoNats(nats), nanoNats, `${nats}`);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (a, b) => {
        assert.ok(a <= b ? toNanoNats(a) <= toNanoNats(b) : toNanoNats(a) >= toNanoNats(b), 'order is kept');
        assert.ok(Math.abs(Number(toNanoNats(a)) - a * 1e9) <= 1);
      },
    ),
  );
});

/** @file Apportionment and settlement: exact sums, the quota rule, ties by account, and which roles are paid. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { apportion } from './apportion.js';
import { compareEntries } from './calls.js';
import { roleParts, settle } from './settlement.js';
import { INITIAL_ROLE_SHARES, ROLES, type ScoreEntry } from './types.js';

const amounts = fc.bigInt({ min: 0n, max: 10n ** 20n });
const scores = fc.array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 1n << 90n })), { maxLength: 40 });

describe('apportion', () => {
  it('follows the largest remainder, ties to the earlier entry', () => {
    assert.deepEqual(apportion(10n, [1n, 1n, 1n]), [4n, 3n, 3n]);
    assert.deepEqual(apportion(11n, [1n, 1n, 1n]), [4n, 4n, 3n]);
    assert.deepEqual(apportion(100n, [47_000n, 16_000n, 15_900n, 12_000n, 6_000n, 3_100n]), [
      47n,
      16n,
      16n,
      12n,
      6n,
      3n,
    ]);
    assert.deepEqual(apportion(7n, [0n, 5n, 0n]), [0n, 7n, 0n]);
    assert.deepEqual(apportion(7n, [0n, 0n]), [0n, 0n]);
    assert.deepEqual(apportion(7n, []), []);
  });

  it('sums to the amount, stays within one planck of each exact share, and is fair between entries', () => {
    fc.assert(
      fc.property(amounts, scores, (amount, list) => {
        const total = list.reduce((sum, score) => sum + score, 0n);
        const parts = apportion(amount, list);
        assert.equal(
          parts.reduce((sum, part) => sum + part, 0n),
          total === 0n ? 0n : amount,
        );
        if (total === 0n) return;
        parts.forEach((part, i) => {
          const low = (amount * list[i]!) / total;
          const isWhole = (amount * list[i]!) % total === 0n;
          assert.ok(part === low || (!isWhole && part === low + 1n), `part ${i}`);
          list.forEach((other, j) => {
            const ahead = list[i]! > other || (list[i]! === other && i < j);
            if (ahead) assert.ok(part >= parts[j]!, `entry ${i} outscores ${j} but is paid less`);
          });
        });
      }),
    );
  });
});

const entries: fc.Arbitrary<ScoreEntry[]> = fc
  .uniqueArray(
    fc.record(
      {
        account: fc.nat(255).map((byte) => new Uint8Array(32).fill(byte)),
        role: fc.constantFrom(...ROLES),
        score: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 1n << 60n })),
      },
      { noNullPrototype: true },
    ),
    { selector: ({ account, role }) => `${role} ${account[0]}`, maxLength: 30 },
  )
  .map((list) => list.sort(compareEntries));

describe('settle', () => {
  it('divides a reward between roles without losing a planck', () => {
    assert.deepEqual(roleParts(10_000n, INITIAL_ROLE_SHARES), {
      Training: 8_900n,
      Scoring: 600n,
      Infrastructure: 500n,
    });
    fc.assert(
      fc.property(amounts, (reward) => {
        const parts = roleParts(reward, INITIAL_ROLE_SHARES);
        assert.equal(parts.Training + parts.Scoring + parts.Infrastructure, reward);
        assert.equal(parts.Training, (reward * 8_900n) / 10_000n);
      }),
    );
  });

  it('pays every role with a positive score its part, the others nothing, and nobody without training', () => {
    fc.assert(
      fc.property(amounts, entries, (reward, list) => {
        const paid = settle(reward, INITIAL_ROLE_SHARES, list);
        assert.deepEqual(
          paid.map(({ account, role, score }) => ({ account, role, score })),
          list,
        );
        const parts = roleParts(reward, INITIAL_ROLE_SHARES);
        const scored = (role: string) => list.some((entry) => entry.role === role && entry.score > 0n);
        for (const role of ROLES) {
          const sum = paid.reduce((total, payout) => total + (payout.role === role ? payout.amount : 0n), 0n);
          assert.equal(sum, scored('Training') && scored(role) ? parts[role] : 0n, role);
        }
      }),
    );
  });
});

/** @file The emission schedule: exact at halvings, additive over any split, monotone, below the cap. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_SUPPLY_PLANCK, PLANCK_PER_ALICE } from '@alice/protocol';
import fc from 'fast-check';
import { emittedBy, FIRST_PERIOD_BUDGET, HALVING_PERIOD_MS } from './emission.js';

const GENESIS = 1_772_150_400_000n;
const at = (elapsedMs: bigint): bigint => emittedBy(GENESIS, GENESIS + elapsedMs);
const YEAR_MS = 31_536_000_000n;
const elapsed = fc.bigInt({ min: 0n, max: 80n * HALVING_PERIOD_MS });

describe('emittedBy', () => {
  it('gives the whitepaper its yearly budgets exactly', () => {
    assert.equal(HALVING_PERIOD_MS, 2n * YEAR_MS);
    const budgets = [5_250_000n, 5_250_000n, 2_625_000n, 2_625_000n, 1_312_500n, 1_312_500n, 656_250n];
    budgets.forEach((alice, year) => {
      const minted = at(BigInt(year + 1) * YEAR_MS) - at(BigInt(year) * YEAR_MS);
      assert.equal(minted, alice * PLANCK_PER_ALICE, `year ${year}`);
    });
  });

  it('is zero up to genesis, even before it', () => {
    assert.equal(at(0n), 0n);
    assert.equal(emittedBy(GENESIS, 0n), 0n);
  });

  it('halves inside an interval exactly', () => {
    const second = (budget: bigint): bigint => (budget * 1_000n) / HALVING_PERIOD_MS;
    const across = at(HALVING_PERIOD_MS + 1_000n) - at(HALVING_PERIOD_MS - 1_000n);
    const before =
      FIRST_PERIOD_BUDGET - (FIRST_PERIOD_BUDGET * (HALVING_PERIOD_MS - 1_000n)) / HALVING_PERIOD_MS;
    assert.equal(across, before + second(FIRST_PERIOD_BUDGET / 2n));
  });

  it('never falls, never passes the cap, and equals a sum over periods computed another way', () => {
    fc.assert(
      fc.property(elapsed, elapsed, (a, b) => {
        const [early, late] = a < b ? [a, b] : [b, a];
        assert.ok(at(early) <= at(late) && at(late) <= MAX_SUPPLY_PLANCK);
        let sum = 0n;
        for (let period = 0n; period * HALVING_PERIOD_MS < late; period++) {
          const inside = late - period * HALVING_PERIOD_MS;
          const isWhole = inside >= HALVING_PERIOD_MS;
          const budget = FIRST_PERIOD_BUDGET >> period;
          sum += isWhole ? budget : (budget * inside) / HALVING_PERIOD_MS;
        }
        assert.equal(at(late), sum);
      }),
    );
  });

  it('gives the same sum however an interval is split', () => {
    fc.assert(
      fc.property(fc.array(elapsed, { minLength: 2 }), (times) => {
        const ordered = [...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const pieces = ordered.slice(1).reduce((sum, time, i) => sum + at(time) - at(ordered[i]!), 0n);
        assert.equal(pieces, at(ordered.at(-1)!) - at(ordered[0]!));
      }),
    );
  });

  it('ends just below the cap', () => {
    const end = at(1_000n * HALVING_PERIOD_MS);
    assert.equal(end, at(100n * HALVING_PERIOD_MS));
    assert.ok(
      end < MAX_SUPPLY_PLANCK && MAX_SUPPLY_PLANCK - end < 100n,
      `${MAX_SUPPLY_PLANCK - end} planck short`,
    );
  });
});

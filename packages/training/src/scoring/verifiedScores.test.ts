import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import { defaultVerifiedScoreSettings, type GatedSubmission, verifiedScores } from './verifiedScores.js';
import { assignedGapNats, coverageNats, gapVerdict } from './workTests.js';

const submission = (gainNats: number, more: Partial<GatedSubmission> = {}): GatedSubmission => ({
  gate: 'accept',
  workTests: 'passed',
  gainNats,
  verifiedTokens: 16_384,
  ...more,
});
const paid = (round: readonly GatedSubmission[], settings = defaultVerifiedScoreSettings) =>
  verifiedScores(round, settings).map(({ nanoNats }) => Number(nanoNats) / 1e9);

const arbitrarySubmission: fc.Arbitrary<GatedSubmission> = fc.record(
  {
    gate: fc.constantFrom('accept' as const, 'accept' as const, 'refuse' as const),
    workTests: fc.constantFrom('passed' as const, 'passed' as const, 'failed' as const),
    gainNats: fc.double({ min: -0.1, max: 2, noNaN: true }),
    verifiedTokens: fc.nat(100_000),
    previousRate: fc.double({ min: 0, max: 2, noNaN: true }),
  },
  { requiredKeys: ['gate', 'workTests', 'gainNats', 'verifiedTokens'] },
);
const round = fc.array(arbitrarySubmission, { minLength: 1, maxLength: 12 });

describe('verified score, SPEC SCORE-7', () => {
  test('worked by hand: half equal, half by capped gain', () => {
    // Median 0.02. Wages: ½·0.02 + ½·min(g, 0.06).
    const expected = [0.015, 0.02, 0.04];
    paid([submission(0.01), submission(0.02), submission(5)]).forEach((amount, i) => {
      assert.ok(Math.abs(amount - expected[i]!) < 2e-9, `${i}: ${amount}`);
    });
  });

  test('in proportion to verified tokens up to the cap', () => {
    const amounts = paid([
      submission(0.02),
      submission(0.02, { verifiedTokens: 32_768 }),
      submission(0.02, { verifiedTokens: 1e9 }),
    ]);
    // Median tokens 32768: factors ½, 1 and 4 (capped).
    [0.01, 0.02, 0.08].forEach((wage, i) => {
      assert.ok(Math.abs(amounts[i]! - wage) < 2e-9, `${i}: ${amounts[i]}`);
    });
  });

  test('smoothing meets the wage halfway and is handed on', () => {
    const [score] = verifiedScores([submission(0.02, { previousRate: 3 })]);
    assert.ok(Math.abs(score!.smoothedRate! - 2) < 1e-12);
    assert.ok(Math.abs(Number(score!.nanoNats) - 0.04e9) <= 1);
  });

  test('the rate is smoothed, not the pay: a quarter of the work is paid a quarter whatever came before', () => {
    const before = { previousRate: 1 };
    const amounts = paid(
      [
        submission(0.02, before),
        submission(0.02, before),
        submission(0.02, { ...before, verifiedTokens: 1024 }),
        submission(0.02, before),
      ].map((s) => ({ ...s, verifiedTokens: s.verifiedTokens === 1024 ? 1024 : 4096 })),
    );
    assert.ok(Math.abs(amounts[2]! - amounts[0]! / 4) < 2e-9, String(amounts));
  });

  test('a failed gate or work test, no gain or no tokens pays zero, whatever came before', () => {
    const refused: Partial<GatedSubmission>[] = [
      { gate: 'refuse' },
      { workTests: 'failed' },
      { verifiedTokens: 0 },
      { gainNats: 0 },
      { gainNats: Number.NaN },
    ];
    for (const reason of refused) {
      const [, score] = verifiedScores([submission(0.02), submission(0.02, { previousRate: 1, ...reason })]);
      assert.deepEqual(score, { nanoNats: 0n, smoothedRate: 1 }, JSON.stringify(reason));
    }
    const honest = submission(0.02);
    assert.deepEqual(
      paid([honest]),
      paid([honest, submission(9, { gate: 'refuse' })]).slice(0, 1),
      'nor moves the median',
    );
  });

  test('more gain or more tokens never pays less; no one is paid more than the caps allow', () => {
    const property = fc.property(
      round,
      fc.nat(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(50_000),
      (list, pick, gain, tokens) => {
        const at = pick % list.length;
        const richer = list.map((s, i) =>
          i !== at
            ? s
            : {
                ...list[at]!,
                gainNats: list[at]!.gainNats + gain,
                verifiedTokens: list[at]!.verifiedTokens + tokens,
              },
        );
        assert.ok(paid(richer)[at]! >= paid(list)[at]! - 1e-9, 'monotone');
        const accepted = list.filter(
          (s) => s.gate === 'accept' && s.workTests === 'passed' && s.gainNats > 0 && s.verifiedTokens > 0,
        );
        const gains = accepted.map((s) => s.gainNats).sort((a, b) => a - b);
        const median = gains[(gains.length - 1) >> 1] ?? 0;
        paid(list).forEach((amount, i) => {
          const ceiling =
            4 * Math.max(0.5 * median + 0.5 * 3 * median, median * (list[i]!.previousRate ?? 0));
          assert.ok(amount >= 0 && amount <= ceiling + 1e-9, `${amount} over ${ceiling}`);
        });
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test('order of submissions does not matter', () => {
    fc.assert(
      fc.property(round, (list) => assert.deepEqual(paid(list.toReversed()), paid(list).toReversed())),
    );
  });

  test('whitepaper: max(0, before − after), nothing else', () => {
    const raw = { ...defaultVerifiedScoreSettings, rule: 'whitepaper' as const };
    assert.deepEqual(
      paid(
        [submission(0.25), submission(-1), submission(0.5, { workTests: 'failed', verifiedTokens: 1 })],
        raw,
      ),
      [0.25, 0, 0.5],
    );
  });
});

describe('twenty rounds of ten miners who do the same work, while raw gains of a round lie ten times apart', () => {
  const MINERS = 10;
  const NETWORKS = 30;

  /** What each miner of each network earns over the mean of its network. */
  function wages(rule: 'verified' | 'whitepaper'): number[] {
    return Array.from({ length: NETWORKS }, (_, network) => {
      const random = seededRandom(`equal work ${network}`);
      const rates = new Map<number, number>();
      const earned = new Array<number>(MINERS).fill(0);
      for (let r = 0; r < 20; r++) {
        const left = Array.from({ length: MINERS }, (_, i) => 0.002 * 10 ** (i / (MINERS - 1)));
        const gains = earned.map(() => left.splice(random.below(left.length), 1)[0]!);
        const round = gains.map((gain, i) =>
          submission(gain, rates.has(i) ? { previousRate: rates.get(i)! } : {}),
        );
        const scores = verifiedScores(round, { ...defaultVerifiedScoreSettings, rule });
        scores.forEach(({ nanoNats, smoothedRate }, i) => {
          earned[i]! += Number(nanoNats);
          if (smoothedRate !== undefined) rates.set(i, smoothedRate);
        });
      }
      const mean = earned.reduce((sum, wage) => sum + wage, 0) / MINERS;
      return earned.map((wage) => wage / mean);
    }).flat();
  }
  const within = (share: number, all: readonly number[]): number =>
    all.filter((wage) => Math.abs(wage - 1) <= share).length / all.length;

  test('all but one in fifty earn within 20% of the mean; by raw gains, one in six does not', () => {
    const verified = within(0.2, wages('verified'));
    assert.ok(verified >= 0.98, String(verified));
    const raw = within(0.2, wages('whitepaper'));
    assert.ok(raw < 0.85, String(raw));
  });
});

describe('work tests, SPEC SCORE-4', () => {
  const losses = (...gains: number[]) => ({
    before: new Float64Array(gains.length).fill(5),
    after: Float64Array.from(gains, (g) => 5 - g),
  });
  test('the assigned gap is the difference of mean gains', () => {
    assert.ok(Math.abs(assignedGapNats(losses(0.3, 0.5), losses(0.1, 0.2, 0.3)) - 0.2) < 1e-12);
  });
  test('coverage looks at the lower quartile: a quarter of the work has a good mean and no coverage', () => {
    assert.ok(coverageNats([0.1, 0.09, 0.11, 0.1, 0.1, 0.1, 0.12, 0.1]) >= 0.09);
    assert.equal(coverageNats([0.4, 0.4, 0, 0, 0.01, 0, 0, 0.01]), 0);
    assert.equal(coverageNats([]), 0);
  });
  test('a third of the median over several rounds', () => {
    const others = [0.04, 0.05, 0.06, 0];
    assert.equal(gapVerdict([0.05, 0.02, 0.04], others), 'passed');
    assert.equal(gapVerdict([0.001, -0.002, 0.003], others), 'failed');
    assert.equal(gapVerdict([-1, -1], others), 'unknown');
    assert.equal(gapVerdict([0.1, 0.1, 0.1], [-0.1, 0]), 'unknown');
  });
});

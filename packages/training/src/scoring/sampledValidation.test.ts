/** @file The value of cheating: hand-computed cases, the break-even point, and agreement with drawing it many times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@alice/protocol';
import fc from 'fast-check';
import { breakEvenPenaltyTasks, cheatingValueTasks, defaultSamplingSettings } from './sampledValidation.js';

test('hand-computed: half checked, always seen, penalty 1 and 3', () => {
  assert.equal(cheatingValueTasks({ rate: 0.5, penaltyTasks: 1 }, { detection: 1 }), 0);
  assert.equal(cheatingValueTasks({ rate: 0.5, penaltyTasks: 3 }, { detection: 1 }), -1);
  assert.equal(cheatingValueTasks({ rate: 1, penaltyTasks: 0 }, { detection: 0 }), 1);
  assert.equal(breakEvenPenaltyTasks(0.25, { detection: 1 }), 3);
  assert.equal(breakEvenPenaltyTasks(0.25, { detection: 0 }), Number.POSITIVE_INFINITY);
  assert.throws(() => cheatingValueTasks({ rate: 0, penaltyTasks: 1 }, { detection: 1 }), {
    info: { code: 'SETTING_INVALID', setting: 'sampling.rate', value: 0, bounds: 'in (0, 1]' },
  });
});

test('at the break-even penalty it is worth nothing, above it less', () => {
  const share = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, share, (rate, detection, paid) => {
      const cheat = { detection, paid };
      const penaltyTasks = breakEvenPenaltyTasks(rate, cheat);
      assert.ok(Math.abs(cheatingValueTasks({ rate, penaltyTasks }, cheat)) < 1e-9);
      assert.ok(cheatingValueTasks({ rate, penaltyTasks: penaltyTasks + 1 }, cheat) < 0);
    }),
  );
});

test('the default keeps cheating below zero as long as a check sees half of it; draws agree with the formula', () => {
  const cheat = { detection: 0.5 };
  const expected = cheatingValueTasks(defaultSamplingSettings, cheat);
  assert.ok(expected < 0, String(expected));
  const random = seededRandom('sampled validation');
  const draws = 200_000;
  let total = 0;
  for (let i = 0; i < draws; i++) {
    const caught = random.unit() < defaultSamplingSettings.rate && random.unit() < cheat.detection;
    total += caught ? -defaultSamplingSettings.penaltyTasks : 1;
  }
  assert.ok(Math.abs(total / draws - expected) < 0.03, `${total / draws} against ${expected}`);
});

/** @file The verdict on scored losses: sign, noise, looks and broken models. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Look, submissionVerdict } from './submissionVerdict.js';

const test = { minRows: 4, maxRows: 8, interimZ: 3, finalZ: 1.96 };
const look = (gains: number[]): Look => ({
  before: gains.map(() => 5),
  after: gains.map((gain) => 5 - gain),
});

it('decides as the sequential test says, over all looks together', () => {
  const clear = submissionVerdict([look([0.1, 0.11, 0.09, 0.1])], test);
  assert.ok(clear.next === 'decide' && clear.status === 'accepted' && clear.code === null);
  assert.ok(Math.abs(clear.gainNats! - 0.1) < 1e-12);
  assert.equal(submissionVerdict([look([0.1, -0.1, 0.1, -0.08])], test).next, 'look');
  const cases: [string, Look[], string][] = [
    ['worse', [look([-0.1, -0.11, -0.09, -0.1])], 'NOT_HELPFUL'],
    ['unclear at the end', [look([0.1, -0.1, 0.1, -0.08]), look([0.1, -0.1, 0.1, -0.1])], 'NOISE'],
    ['not finite', [{ before: [5, 5, 5, 5], after: null }], 'NOT_FINITE'],
    [
      'not finite in the second look',
      [look([0.1, -0.1, 0.1, -0.08]), { before: [5], after: null }],
      'NOT_FINITE',
    ],
  ];
  for (const [name, looks, code] of cases) {
    const verdict = submissionVerdict(looks, test);
    assert.ok(verdict.next === 'decide' && verdict.status === 'refused' && verdict.code === code, name);
  }
});

it('needs less certainty at the last look than before', () => {
  const half = [0.1, 0.02, -0.01, 0.03];
  assert.equal(submissionVerdict([look(half)], test).next, 'look');
  const verdict = submissionVerdict([look(half), look(half)], test);
  assert.ok(verdict.next === 'decide' && verdict.status === 'accepted');
});

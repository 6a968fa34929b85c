/** @file The verdict on scored losses: sign, noise, looks and broken models. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultTrainingSettings } from '@alice/training';
import { type Look, submissionVerdict } from './submissionVerdict.js';

const gate = { minRows: 4, maxRows: 8, interimZ: 3, finalZ: 1.96, harmZ: 1 };
const test = { gate, work: { ...defaultTrainingSettings.work, rows: 0 } };
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

it('leaves what is neither gain nor harm to the work tests, where there are any', () => {
  const looks = [look([0.1, -0.1, 0.1, -0.08]), look([0.1, -0.1, 0.1, -0.1])];
  const left = submissionVerdict(looks, { gate, work: { ...test.work, rows: 8 } });
  assert.ok(left.next === 'decide' && left.status === 'accepted');
  assert.match(left.reason, /within noise/);
  const harmful = looks.map(({ before, after }) => ({ before, after: after!.map((loss) => loss + 0.05) }));
  const refused = submissionVerdict(harmful, { gate, work: { ...test.work, rows: 8 } });
  assert.ok(
    refused.next === 'decide' && refused.code === 'NOT_HELPFUL',
    'one standard error of harm is harm',
  );
});

/** @file When a round closes, case by case. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type RoundFacts, roundVerdict } from './roundVerdict.js';

const quiet: RoundFacts = {
  nowMs: 1_000,
  firstTaskMs: 0,
  openTasks: 0,
  queued: 0,
  accepted: 1,
  refused: 0,
  isBaselineKnown: true,
};
const limits = { maxRoundMs: 10_000 };

it('decides by counts and age', () => {
  const cases: [string, Partial<RoundFacts>, ReturnType<typeof roundVerdict>][] = [
    ['all answered, one accepted', {}, 'fold'],
    ['version not measured yet', { isBaselineKnown: false }, 'wait'],
    ['a task is still open', { openTasks: 1 }, 'wait'],
    ['something is still being scored', { queued: 1 }, 'wait'],
    ['time limit with an open task', { openTasks: 1, nowMs: 10_000 }, 'fold'],
    ['time limit with something queued', { queued: 1, nowMs: 10_000 }, 'fold'],
    ['nothing yet', { accepted: 0 }, 'wait'],
    ['no task yet, accepted work from before', { firstTaskMs: null }, 'fold'],
    ['all refused', { accepted: 0, refused: 2 }, 'refused'],
    ['all refused so far, a task is open', { accepted: 0, refused: 2, openTasks: 1 }, 'wait'],
    [
      'all refused so far, an open task, time limit',
      { accepted: 0, refused: 2, openTasks: 1, nowMs: 10_000 },
      'refused',
    ],
    ['refused, one being scored, time limit', { accepted: 0, refused: 2, queued: 1, nowMs: 10_000 }, 'wait'],
  ];
  for (const [name, facts, expected] of cases)
    assert.equal(roundVerdict({ ...quiet, ...facts }, limits), expected, name);
  const target = { ...limits, targetSubmissions: 2 };
  assert.equal(roundVerdict({ ...quiet, openTasks: 3, accepted: 2 }, target), 'fold', 'target met');
  assert.equal(roundVerdict({ ...quiet, openTasks: 3, accepted: 1 }, target), 'wait', 'target not met');
});

it('folds only accepted work on a measured version, and never waits for ever on a quiet round', () => {
  const facts = fc.record({
    nowMs: fc.nat(20_000),
    firstTaskMs: fc.option(fc.nat(20_000)),
    openTasks: fc.nat(3),
    queued: fc.nat(3),
    accepted: fc.nat(3),
    refused: fc.nat(3),
    isBaselineKnown: fc.boolean(),
  });
  fc.assert(
    fc.property(facts, (round) => {
      const verdict = roundVerdict(round, limits);
      if (verdict === 'fold') assert.ok(round.accepted > 0 && round.isBaselineKnown);
      if (verdict === 'refused') assert.ok(round.accepted === 0 && round.refused > 0 && round.queued === 0);
      if (round.isBaselineKnown && round.openTasks + round.queued === 0 && round.accepted + round.refused > 0)
        assert.notEqual(verdict, 'wait');
    }),
  );
});

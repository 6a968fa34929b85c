import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeOf } from '@alice/protocol';
import { defaultScheduleSettings, learningRateAt, learningRatesOf } from './schedule.js';
import { checkTrainingSettings, defaultTrainingSettings, type TrainingSettings } from './trainingSettings.js';

const settings = {
  ...defaultScheduleSettings,
  peak: 8e-3,
  warmupSteps: 4,
  constantSteps: 6,
  decaySteps: 10,
  floor: 0.1,
};
const near = (actual: number, expected: number, message?: string) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${message ?? ''} ${actual} instead of ${expected}`);

test('linear warm-up to the peak, then constant', () => {
  const rates = learningRatesOf(settings, 0, 10);
  [2e-3, 4e-3, 6e-3, 8e-3, 8e-3, 8e-3, 8e-3, 8e-3, 8e-3, 8e-3].forEach((rate, step) => {
    near(rates[step]!, rate, `step ${step}`);
  });
  near(learningRateAt({ ...settings, decay: 'none' }, 1e6), 8e-3);
  near(learningRateAt({ ...settings, warmupSteps: 0 }, 0), 8e-3);
});

test('each decay joins the plateau without a jump and ends at its floor', () => {
  const cosine = { ...settings, decay: 'cosine' as const };
  near(learningRateAt(cosine, 10), 8e-3);
  near(learningRateAt(cosine, 15), 8e-3 * 0.55); // half way
  near(learningRateAt(cosine, 20), 8e-4);
  near(learningRateAt(cosine, 1e9), 8e-4);
  near(learningRateAt(settings, 10), 8e-3);
  near(learningRateAt(settings, 40), 4e-3); // 4 × the steps, half the rate
  near(learningRateAt(settings, 1e9), 8e-4);
});

test('the rates of a task continue where the round before ended', () => {
  assert.deepEqual(
    [...learningRatesOf(settings, 0, 16), ...learningRatesOf(settings, 16, 16)],
    learningRatesOf(settings, 0, 32),
  );
});

test('the defaults pass the check and every field out of bounds is named', () => {
  assert.equal(checkTrainingSettings(defaultTrainingSettings), defaultTrainingSettings);
  const defaults = defaultTrainingSettings;
  const bad: Record<string, Partial<TrainingSettings>> = {
    innerSteps: { innerSteps: 0 },
    rowsPerStep: { rowsPerStep: 1.5 },
    sequenceLength: { sequenceLength: 1 },
    scoringRows: { scoringRows: -1 },
    mergeRows: { mergeRows: 2 },
    weightDecay: { weightDecay: 2 },
    errorFeedbackDecay: { errorFeedbackDecay: -0.1 },
    density: { density: 0 },
    stepFraction: { stepFraction: 1.5 },
    gradientClip: { gradientClip: 0 },
    outerLearningRate: { outerLearningRate: Number.NaN },
    aggregationGroups: { aggregationGroups: 65 },
    'schedule.peak': { schedule: { ...defaults.schedule, peak: Number.POSITIVE_INFINITY } },
    'gate.maxRows': { gate: { ...defaults.gate, maxRows: defaults.gate.minRows - 1 } },
    'pay.smoothing': { pay: { ...defaults.pay, smoothing: 1 } },
    'mergeGate.minRows': { mergeGate: { ...defaults.mergeGate, minRows: 1 } },
  };
  for (const [field, change] of Object.entries(bad))
    assert.throws(
      () => checkTrainingSettings({ ...defaults, ...change }),
      (e: Error) => errorCodeOf(e) === 'SETTING_INVALID' && e.message.includes(`setting ${field} is`),
      field,
    );
  assert.throws(() => learningRateAt({ ...settings, peak: Number.NaN }, 0), /schedule.peak/);
});

/**
 * @file What cheating is worth when only a sample of submissions is fully checked (SPEC SCORE-6). Units: the pay of one
 * full task. The chance of being checked and the penalty are the server's dials; how surely a check sees it is measured.
 */
import { requireSetting } from '../errors.js';

export interface SamplingSettings {
  /** Share of submissions that get the work tests, in (0, 1]. */
  readonly rate: number;
  /** Full tasks' pay a caught cheat loses: taken from pay that is held back. */
  readonly penaltyTasks: number;
}

/** A quarter is checked; eight tasks' pay is held back. */
export const defaultSamplingSettings: SamplingSettings = { rate: 0.25, penaltyTasks: 8 };

/**
 * Expected gain of one cheating submission, in full tasks' pay, before what its remaining work costs.
 * Formula: (1 − q·d) · paid − q·d · P, q the sampling rate, d the chance that a check catches it, P the penalty, `paid`
 * what it is paid when not caught. Throws `SETTING_INVALID`.
 */
export function cheatingValueTasks(
  { rate, penaltyTasks }: SamplingSettings,
  { detection, paid = 1 }: { readonly detection: number; readonly paid?: number },
): number {
  requireSetting(rate > 0 && rate <= 1, 'sampling.rate', rate, 'in (0, 1]');
  requireSetting(detection >= 0 && detection <= 1, 'detection', detection, 'in [0, 1]');
  const caught = rate * detection;
  return (1 - caught) * paid - caught * penaltyTasks;
}

/** The penalty at which cheating is worth nothing: P* = paid · (1 − q·d)/(q·d). Infinite for who is never caught. */
export function breakEvenPenaltyTasks(
  rate: number,
  { detection, paid = 1 }: { readonly detection: number; readonly paid?: number },
): number {
  const caught = rate * detection;
  return caught === 0 ? Number.POSITIVE_INFINITY : (paid * (1 - caught)) / caught;
}

/**
 * @file What is decided about a round's submissions as they come, once each (SPEC AGG-1): which are refused, which group one
 * is added to, and what its tensors are multiplied by. The first `HELD` wait until as many norms are known, so that an
 * attacker who comes first is clipped like any other; from then on each is clipped to the running median of norms. Adds
 * nothing itself, so the sums may be made anywhere, a part of the model at a time.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { requireSetting, TrainingError } from '../errors.js';
import { checkDelta } from '../flatDelta.js';
import { MAX_TERM, weightSteps } from './exactSum.js';
import { NormClip, tensorNorms } from './normClip.js';
import type { Term } from './termStore.js';

/** Enough for a median that one submitter cannot move at will. */
const HELD = 3;

/**
 * `mean-by-work`: the sum of all deltas over the sum of their work, so that what half a task did counts as half a
 * submission and is not taken for a whole one that found little. Equal work makes it the plain mean, bit for bit.
 * After FedNova (Wang et al. 2020), whose effective number of steps is here that of the submission with most work.
 */
export type AggregationRule = 'mean' | 'mean-by-work' | 'score-weighted' | 'median-of-means';

export interface AggregatorOptions {
  readonly rule: AggregationRule;
  /** Clip each tensor to the median submitter's norm. Off only to reproduce the whitepaper's literal rule. */
  readonly clip: boolean;
  /** Groups of `median-of-means`: survives fewer than half of them being hostile. Ignored by other rules. */
  readonly groups: number;
}

export const defaultAggregatorOptions: AggregatorOptions = { rule: 'mean', clip: true, groups: 5 };

export interface AcceptedSubmission {
  readonly delta: SparseDelta;
  /**
   * In (0, 1]: its share in a score-weighted mean, or its vouched work over the most in the round (`workShares`); ignored
   * by other rules.
   */
  readonly weight?: number;
  /** How many submissions it is the mean of already, ≥ 1: it counts as that many. */
  readonly members?: number;
}

interface Observed {
  readonly submission: AcceptedSubmission;
  readonly norms: Float64Array;
}

/** Groups that sums are kept of. */
export function groupsOf({ rule, groups }: AggregatorOptions): number {
  return rule === 'median-of-means' ? groups : 1;
}

export class FoldPlan {
  /** Weights of each group so far, in grid steps. */
  readonly weights: Float64Array;
  readonly #layout: TensorLayout;
  readonly #options: AggregatorOptions;
  readonly #clip: NormClip;
  #held: Observed[] = [];
  #added = 0;
  #planned = 0;

  constructor(layout: TensorLayout, options: AggregatorOptions) {
    const groups = groupsOf(options);
    requireSetting(Number.isInteger(groups) && groups >= 1 && groups <= 64, 'groups', groups, '1 to 64');
    this.#layout = layout;
    this.#options = options;
    this.#clip = new NormClip(layout);
    this.weights = new Float64Array(groups);
  }

  /** Submissions taken so far. */
  get count(): number {
    return this.#added;
  }

  /** Takes one submission; returns what is to be added now. Throws `DELTA_INVALID`, `SETTING_INVALID` before anything changes. */
  add(submission: AcceptedSubmission): Term[] {
    checkSubmission(submission, this.#layout);
    this.#added++;
    const observed = { submission, norms: tensorNorms(submission.delta, this.#layout) };
    this.#clip.observe(observed.norms, this.#expectedNorm(submission));
    if (this.#planned > 0 || this.#held.length >= HELD) return [this.#plan(observed)];
    this.#held.push(observed);
    return this.#held.length === HELD ? this.rest() : [];
  }

  /**
   * Ends the wait of those that are held: what is still to be added. Who recomputes a round bit for bit asks once, at its
   * end. Later submissions may still be added.
   */
  rest(): Term[] {
    const held = this.#held;
    this.#held = [];
    return held.map((observed) => this.#plan(observed));
  }

  /**
   * How long a delta of this work is against one of the most work: between in proportion to its steps and to their root,
   * measured. The root lets short ones through whole.
   */
  #expectedNorm({ weight = 1 }: AcceptedSubmission): number {
    return this.#options.rule === 'mean-by-work' ? Math.sqrt(weight) : 1;
  }

  #plan({ submission, norms }: Observed): Term {
    const { delta, weight = 1, members = 1 } = submission;
    const { rule, clip } = this.#options;
    const group = this.#planned++ % this.weights.length;
    const own = members * (rule === 'score-weighted' ? weight : 1);
    this.weights[group]! += weightSteps(rule === 'mean-by-work' ? members * weight : own);
    const clipped = clip ? this.#clip.factorsFor(norms, this.#expectedNorm(submission)) : norms.map(() => 1);
    return { delta, group, factors: clipped.map((factor) => own * factor) };
  }
}

function checkSubmission({ delta, weight = 1, members = 1 }: AcceptedSubmission, layout: TensorLayout): void {
  requireSetting(weight > 0 && weight <= 1, 'weight', weight, 'in (0, 1]');
  requireSetting(Number.isInteger(members) && members >= 1, 'members', members, 'a whole number ≥ 1');
  checkDelta(delta, layout);
  for (const { tensor, values } of delta.tensors) {
    const entry = values.findIndex((value) => members * Math.abs(value) > MAX_TERM);
    if (entry < 0) continue;
    const reason = `no honest step moves a weight by more than ${MAX_TERM}`;
    throw new TrainingError({ code: 'DELTA_INVALID', reason, tensor, entry }, `delta refused: ${reason}`);
  }
}

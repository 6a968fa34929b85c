/**
 * @file Folds accepted submissions into one delta as they come (SPEC AGG-1). Memory is a few vectors of the model's
 * size however many miners there are. The first `HELD` submissions wait (they are sparse) until as many norms are
 * known, so that an attacker who comes first is clipped like any other; from then on each is clipped to the running
 * median and forgotten. Sums are exact, so the result depends on the order of submissions only through that median.
 * After a crash the server adds the stored submissions again in the order of acceptance and gets the same bits.
 */
import type { SparseDelta, TensorLayout } from '@alice/protocol';
import { requireSetting, TrainingError } from '../errors.js';
import { flattenDelta } from '../flatDelta.js';
import { ExactSum, MAX_TERM } from './exactSum.js';
import { medianOfGroups } from './medianOfGroups.js';
import { NormClip } from './normClip.js';

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

export class StreamingAggregator {
  readonly #layout: TensorLayout;
  readonly #options: AggregatorOptions;
  readonly #sums: ExactSum[];
  readonly #clip: NormClip;
  #held: AcceptedSubmission[] = [];
  #added = 0;
  #folded = 0;

  constructor(layout: TensorLayout, options: AggregatorOptions = defaultAggregatorOptions) {
    const groups = options.rule === 'median-of-means' ? options.groups : 1;
    requireSetting(Number.isInteger(groups) && groups >= 1 && groups <= 64, 'groups', groups, '1 to 64');
    this.#layout = layout;
    this.#options = options;
    this.#clip = new NormClip(layout);
    this.#sums = Array.from({ length: groups }, () => new ExactSum(layout.size));
  }

  /** Submissions taken so far. */
  get count(): number {
    return this.#added;
  }

  /** Takes one submission. Throws `DELTA_INVALID` or `SETTING_INVALID` before anything changes. */
  add(submission: AcceptedSubmission): void {
    this.#check(submission);
    this.#added++;
    this.#clip.observe(submission.delta, this.#expectedNorm(submission));
    if (this.#folded === 0 && this.#held.length < HELD) this.#held.push(submission);
    else this.#fold(submission);
    if (this.#held.length === HELD) this.#release();
  }

  /**
   * The round's delta, dense; zero everywhere when nothing was added. Ends the wait of held submissions: who recomputes
   * a round bit for bit asks once, at its end. Later submissions may still be added.
   */
  aggregate(): Float32Array {
    this.#release();
    const mean = new Float32Array(this.#layout.size);
    const filled = this.#sums.filter((sum) => !sum.isEmpty);
    if (filled.length === 1) for (let i = 0; i < mean.length; i++) mean[i] = filled[0]!.meanAt(i);
    if (filled.length > 1) for (let i = 0; i < mean.length; i++) mean[i] = medianOfGroups(filled, i);
    return mean;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const submission of held) this.#fold(submission);
  }

  /**
   * How long a delta of this work is against one of the most work: between in proportion to its steps and to their root,
   * measured. The root lets short ones through whole.
   */
  #expectedNorm({ weight = 1 }: AcceptedSubmission): number {
    return this.#options.rule === 'mean-by-work' ? Math.sqrt(weight) : 1;
  }

  #fold(submission: AcceptedSubmission): void {
    const { delta, weight = 1, members = 1 } = submission;
    const { rule, clip } = this.#options;
    const sum = this.#sums[this.#folded++ % this.#sums.length]!;
    const own = members * (rule === 'score-weighted' ? weight : 1);
    const factors = clip ? this.#clip.factorsFor(delta, this.#expectedNorm(submission)) : undefined;
    for (const { tensor, indices, values } of delta.tensors) {
      const { offset } = this.#layout.tensors[tensor]!;
      sum.addAt(indices, values, { offset, factor: own * (factors?.[tensor] ?? 1) });
    }
    sum.addWeight(rule === 'mean-by-work' ? members * weight : own);
  }

  #check({ delta, weight = 1, members = 1 }: AcceptedSubmission): void {
    requireSetting(weight > 0 && weight <= 1, 'weight', weight, 'in (0, 1]');
    requireSetting(Number.isInteger(members) && members >= 1, 'members', members, 'a whole number ≥ 1');
    flattenDelta(delta, this.#layout); // order, bounds, finite
    for (const { tensor, values } of delta.tensors) {
      const entry = values.findIndex((value) => members * Math.abs(value) > MAX_TERM);
      if (entry < 0) continue;
      const reason = `no honest step moves a weight by more than ${MAX_TERM}`;
      throw new TrainingError({ code: 'DELTA_INVALID', reason, tensor, entry }, `delta refused: ${reason}`);
    }
  }
}

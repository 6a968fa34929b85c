/**
 * @file What scorers and server find out about one submission, in the server's order: well-formed, fresh, no copy, gain on
 * held-out rows; then, under the `work` policy, gains on probed batches of its own task. Decides what one submission
 * alone decides; verdicts that need the whole round are made in `LabNetwork`.
 */
import { isCodedError, type SparseDelta, seededRandom } from '@alice/protocol';
import {
  type FlatDelta,
  flattenDelta,
  leanOnOlder,
  likenessOf,
  type Overlap,
  type OverlapThresholds,
  overlapOf,
  overlapWithUpdate,
  type PublishedUpdate,
  pairedScore,
  type RowGaps,
  rowGapsNats,
  scoreSequentially,
} from '@alice/training';
import type { Earlier } from './Earlier.js';
import type { Laboratory } from './Laboratory.js';
import { pickRows } from './rows.js';
import type { LabSettings } from './settings.js';

export interface Finding {
  readonly code: string | null;
  readonly gainNats: number;
  /** The gate saw neither gain nor harm: only the work tests can speak for it. */
  readonly isUndecided: boolean;
  readonly flat: FlatDelta | undefined;
  /** How much it leans on older published updates; left out when that could not be told. */
  readonly lean?: number | undefined;
}

/** The round as all its submissions are measured. */
export interface Measure {
  readonly round: number;
  readonly parameters: Float32Array;
  /** The last published update and the ones before. */
  readonly published: readonly PublishedUpdate[];
}

/** Values must agree as well: with many miners an update covers much of the model. */
const PUBLISHED_COSINE = 0.8;
const COPY: OverlapThresholds = { copy: 0.9, suspicious: 0.4 };
/** Rows of a task that are looked at, rows they are compared with, and how much of the delta is applied. */
const PROBE = { rows: 32, controlRows: 32, stepFraction: 1 } as const;

/** Neither gain nor harm was seen, and no work either. */
export const WITHIN_NOISE = 'NOISE';

interface Probed {
  readonly id: string;
  readonly flat: FlatDelta;
  /** The rows of its task, in the order of its steps. */
  readonly rows: Uint16Array;
  /** Steps it claims. */
  readonly steps: number;
}

export class Examiner {
  readonly #lab: Laboratory;
  readonly #settings: LabSettings;
  #round = -1;
  readonly #before = new Map<string, { rows: Uint16Array; losses: Float64Array }>();

  constructor(lab: Laboratory, settings: LabSettings) {
    this.#lab = lab;
    this.#settings = settings;
  }

  /** Everything that one submission alone decides. `earlier`: submissions of the round that arrived before. */
  async examine(
    delta: SparseDelta,
    { earlier, updatesSinceBase }: { earlier: Earlier; updatesSinceBase: number },
    measure: Measure,
  ): Promise<Finding> {
    const unscored = (code: string | null, flat?: FlatDelta): Finding => ({
      ...{ code, gainNats: 0, isUndecided: false, flat },
    });
    let flat: FlatDelta;
    try {
      flat = flattenDelta(delta, this.#lab.layout);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      return unscored(error.code);
    }
    if (this.#settings.policy === 'none') return unscored(null, flat);
    const isCompared = this.#settings.policy !== 'score';
    if (
      isCompared &&
      earlier.alike(flat).some((other) => likenessOf(overlapOf(flat, other), COPY) === 'copy')
    )
      return unscored('COPY', flat);
    const overlaps = this.#publishedOverlaps(flat, measure);
    if (overlaps.some(isPublished)) return unscored('COPY', flat);
    const lean = leanOnOlder(overlaps.slice(updatesSinceBase).map(({ indexFraction }) => indexFraction));
    const inputs = [...bitsOf(flat), ...this.#circumstances(measure)];
    const score = await this.#lab.scored.of(inputs, () => this.#score(flat, measure));
    const gainNats = score.statistics.meanGainNats;
    const isUndecided = score.verdict === 'undecided';
    if (score.verdict === 'refuse') return { code: score.reason!.toUpperCase(), gainNats, isUndecided, flat };
    const code = isUndecided && this.#settings.policy !== 'work' ? WITHIN_NOISE : null;
    return { code, gainNats, isUndecided, flat, lean };
  }

  /** What a score depends on besides the delta. */
  #circumstances({ parameters, round }: Measure): (string | number | Float32Array)[] {
    return [parameters, round, this.#settings.seed, JSON.stringify(this.#settings.training)];
  }

  #score(flat: FlatDelta, measure: Measure) {
    const { lossFunction } = this.#lab;
    const { training } = this.#settings;
    return scoreSequentially({
      lossFunction,
      parameters: measure.parameters,
      delta: flat,
      stepFraction: training.stepFraction,
      test: training.gate,
      batchAt: async (look) => {
        const { rows, losses } = await this.#heldOut(measure, `score/${look}`, training.scoringRows);
        return { rows, lossesBefore: losses };
      },
    });
  }

  #publishedOverlaps(flat: FlatDelta, { published }: Measure): Overlap[] {
    const looked = { none: 0, score: 0, gate: 1, work: published.length }[this.#settings.policy];
    return published.slice(0, looked).map((update) => overlapWithUpdate(flat, update));
  }

  /**
   * Gains on random rows of the submission's own task minus gains on fresh rows, row by row. Which rows is drawn after the
   * submission is in.
   */
  probe(own: Probed, measure: Measure): Promise<RowGaps> {
    const inputs = ['probe', ...bitsOf(own.flat), ...this.#circumstances(measure), own.id, own.steps];
    return this.#lab.scored.of(inputs, () => this.#probe(own, measure));
  }

  async #probe(own: Probed, measure: Measure): Promise<RowGaps> {
    const { rowLength, lossFunction } = this.#lab;
    const count = own.steps * this.#settings.training.rowsPerStep;
    const picked = drawRows(count, JSON.stringify(['probe', this.#settings.seed, measure.round, own.id]));
    const rows = pickRows(own.rows, picked, rowLength);
    const control = await this.#heldOut(measure, 'control', PROBE.controlRows);
    const fixed = {
      lossFunction,
      parameters: measure.parameters,
      delta: own.flat,
      stepFraction: PROBE.stepFraction,
    };
    const assigned = await pairedScore({ ...fixed, rows });
    const unassigned = await pairedScore({ ...fixed, rows: control.rows, lossesBefore: control.losses });
    return rowGapsNats(assigned, unassigned);
  }

  /** Secret rows of the round with their losses at the base: measured once, used for every submission. */
  async #heldOut({ round, parameters }: Measure, name: string, count: number) {
    if (round !== this.#round) this.#before.clear();
    this.#round = round;
    const known = this.#before.get(name);
    if (known) return known;
    const split = name === 'control' ? 'train' : 'validation';
    const rows = await this.#lab.sample(split, count, `${this.#settings.seed}/secret/${name}/${round}`);
    const losses = await this.#lab.lossFunction.run(parameters, rows);
    this.#before.set(name, { rows, losses });
    return { rows, losses };
  }
}

const isPublished = (overlap: Overlap): boolean =>
  likenessOf(overlap, COPY) === 'copy' && overlap.cosine >= PUBLISHED_COSINE;

const bitsOf = ({ indices, values }: FlatDelta): ArrayBufferView[] =>
  indices ? [indices, values] : [values];

function drawRows(count: number, seed: string): number[] {
  const random = seededRandom(seed);
  const left = Array.from({ length: count }, (_, i) => i);
  const drawn: number[] = [];
  while (left.length > 0 && drawn.length < PROBE.rows)
    drawn.push(left.splice(random.below(left.length), 1)[0]!);
  return drawn;
}

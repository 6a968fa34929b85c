/**
 * @file Learning from preferences by DPO: pairs of a chosen and a rejected answer to the same prompt, beside the frozen
 * weights the run began with. What the reference says of a pair is computed once. Pairs longer than a row are left out.
 */
import { type ConversationDataset, type PreferenceTokens, preferencePairs } from '@alice/data';
import {
  createDevicePreferenceGradientFunction,
  createLogProbabilityFunction,
  createPreferenceGradientFunction,
  cutPreferences,
  type Elastic,
  type LogProbabilityFunction,
  type MaskedRows,
  openElastic,
  type PreferenceBatch,
  type PreferencePairs,
  preferenceLoss,
} from '@alice/model';
import { errorCodeOf } from '@alice/protocol';
import type { Learner } from './learner.js';
import type { LearnerOptions } from './openLearner.js';
import { commonParts, openSegmentGradients } from './segmentGradients.js';

export interface PreferenceLearner extends Learner {
  /** Mean margin β·(…) of held-out pairs, and the share of them where it is positive. */
  heldOutMargins(parameters: Float32Array): Promise<{ mean: number; preferred: number } | undefined>;
}

export interface PreferenceLearnerOptions extends LearnerOptions {
  readonly beta: number;
  /** The frozen weights; held, not copied. */
  readonly reference: Float32Array;
}

const MAX_HELD_OUT_PAIRS = 64;

/** Throws `SEQUENCE_TOO_LONG`, `OBJECTIVE_INVALID`; its segments throw what reading the pairs throws. */
export async function preferenceLearner(
  dataset: ConversationDataset,
  options: PreferenceLearnerOptions,
): Promise<PreferenceLearner> {
  const { model, settings, threads, microBatch, platform, beta, reference, precision, onNotice } = options;
  const { sequenceLength, rowsPerStep, seed } = settings;
  const shape = { sequenceLength, threads, platform };
  const onLossScale = (scale: number): void => onNotice?.({ kind: 'loss-scale', scale });
  const gradientOptions = { ...shape, beta, precision, onLossScale };
  const gradients = await openSegmentGradients<PreferenceBatch>({
    ...{ ...commonParts(options), cut: cutPreferences },
    async host(pairs) {
      const preference = await createPreferenceGradientFunction(model, { ...gradientOptions, pairs });
      return {
        ...preference,
        run: async (parameters, own, gradient) =>
          (await preference.run({ ...own, parameters, gradient })).lossNats,
      };
    },
    device: (pairs, own) =>
      createDevicePreferenceGradientFunction(model, { ...gradientOptions, platform: own, pairs }),
  });
  const logProbability = await openElastic({
    ...{ rows: 2 * microBatch, compile: (batch) => createLogProbabilityFunction(model, { ...shape, batch }) },
  });
  const asRows = (pairs: readonly PreferenceTokens[]): PreferencePairs =>
    pairRows(pairs, sequenceLength + 1, dataset.manifest.tokenizer.separator);
  const frozen = new ReferenceMargins(logProbability, reference, asRows);
  const readEpoch = (split: 'train' | 'validation', epochSeed: string): Promise<PreferenceTokens[]> =>
    collect(preferencePairs({ dataset, split, seed: epochSeed, longestTokens: sequenceLength + 1 }));
  const epochs = new PairEpochs((epoch) => readEpoch('train', JSON.stringify(['pairs', seed, epoch])));
  const examined = await readEpoch('validation', 'held out').then(
    (pairs) => pairs.slice(0, MAX_HELD_OUT_PAIRS),
    (error: unknown) => {
      if (errorCodeOf(error) === 'ROWS_TOO_FEW') return [];
      throw error;
    },
  );
  const heldOut = async (parameters: Float32Array): Promise<Float64Array> => {
    const policy = await marginsOf(logProbability, parameters, asRows(examined));
    const frozenOnes = await frozen.of(examined);
    return policy.map((margin, i) => beta * (margin - frozenOnes[i]!));
  };
  return {
    async segment(work) {
      // The reference speaks before the steps begin: its weights are then on a device once a segment, and not beside the model's.
      const all = await epochs.take(work.step * rowsPerStep, work.steps * rowsPerStep);
      const referenceMargins = await frozen.of(all);
      await gradients.train(work, async (step) => {
        const from = (step - work.step) * rowsPerStep;
        const range = [from, from + rowsPerStep] as const;
        return { pairs: asRows(all.slice(...range)), referenceMargins: referenceMargins.slice(...range) };
      });
    },
    heldOutNats: async (parameters) =>
      examined.length === 0 ? undefined : preferenceLoss(await heldOut(parameters)),
    async heldOutMargins(parameters) {
      if (examined.length === 0) return undefined;
      const margins = await heldOut(parameters);
      const mean = margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
      return { mean, preferred: margins.filter((margin) => margin > 0).length / margins.length };
    },
    async dispose() {
      await gradients.dispose();
      await logProbability.dispose();
    },
  };
}

/** Prompt and answer in one row each, filled up with separators; the answers are marked. */
export function pairRows(
  pairs: readonly PreferenceTokens[],
  rowLength: number,
  separator: number,
): PreferencePairs {
  const side = (which: 'chosen' | 'rejected'): MaskedRows => {
    const tokens = new Uint16Array(pairs.length * rowLength).fill(separator);
    const mask = new Uint8Array(tokens.length);
    for (const [row, pair] of pairs.entries()) {
      const at = row * rowLength + pair.prompt.length;
      tokens.set(pair.prompt, row * rowLength);
      tokens.set(pair[which], at);
      mask.fill(1, at, at + pair[which].length);
    }
    return { tokens, mask };
  };
  return { chosen: side('chosen'), rejected: side('rejected') };
}

/** log π(chosen) − log π(rejected) of each pair; all rows in one call, since a device takes the weights anew at each. */
async function marginsOf(
  logProbability: Elastic<LogProbabilityFunction>,
  parameters: Float32Array,
  { chosen, rejected }: PreferencePairs,
): Promise<Float64Array> {
  const tokens = new Uint16Array(chosen.tokens.length + rejected.tokens.length);
  const mask = new Uint8Array(tokens.length);
  for (const [own, from] of [
    [chosen, 0],
    [rejected, chosen.tokens.length],
  ] as const) {
    tokens.set(own.tokens, from);
    mask.set(own.mask, from);
  }
  const nats = await logProbability.use((own) => own.run(parameters, { tokens, mask }));
  const pairs = nats.length / 2;
  return nats.subarray(0, pairs).map((own, i) => own - nats[pairs + i]!);
}

/** What the reference says of each pair, remembered as long as the pair is. */
class ReferenceMargins {
  readonly #known = new WeakMap<PreferenceTokens, number>();
  readonly #logProbability: Elastic<LogProbabilityFunction>;
  readonly #reference: Float32Array;
  readonly #asRows: (pairs: readonly PreferenceTokens[]) => PreferencePairs;

  constructor(
    logProbability: Elastic<LogProbabilityFunction>,
    reference: Float32Array,
    asRows: (pairs: readonly PreferenceTokens[]) => PreferencePairs,
  ) {
    this.#logProbability = logProbability;
    this.#reference = reference;
    this.#asRows = asRows;
  }

  async of(pairs: readonly PreferenceTokens[]): Promise<Float64Array> {
    const news = pairs.filter((pair) => !this.#known.has(pair));
    if (news.length > 0) {
      const margins = await marginsOf(this.#logProbability, this.#reference, this.#asRows(news));
      for (const [i, pair] of news.entries()) this.#known.set(pair, margins[i]!);
    }
    return Float64Array.from(pairs, (pair) => this.#known.get(pair)!);
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The endless sequence of pairs: each once an epoch; one epoch is held in memory. */
class PairEpochs {
  readonly #read: (epoch: number) => Promise<PreferenceTokens[]>;
  #epoch: { readonly number: number; readonly pairs: readonly PreferenceTokens[] } | undefined;
  #length: number | undefined;

  constructor(read: (epoch: number) => Promise<PreferenceTokens[]>) {
    this.#read = read;
  }

  async take(from: number, count: number): Promise<PreferenceTokens[]> {
    this.#length ??= (await this.#pairsOf(0)).length;
    const taken: PreferenceTokens[] = [];
    for (let i = from; i < from + count; i++) {
      const pairs = await this.#pairsOf(Math.floor(i / this.#length));
      taken.push(pairs[i % this.#length]!);
    }
    return taken;
  }

  async #pairsOf(number: number): Promise<readonly PreferenceTokens[]> {
    if (this.#epoch?.number !== number) this.#epoch = { number, pairs: await this.#read(number) };
    return this.#epoch.pairs;
  }
}

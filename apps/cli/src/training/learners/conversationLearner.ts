/**
 * @file Supervised fine-tuning: rows of packed conversations of which only the assistant's words are learned. Every
 * conversation comes once an epoch, in another order each epoch; any step can be begun at, so a stopped run goes on.
 */
import { type ConversationDataset, type ConversationRows, sampleConversationRows } from '@alice/data';
import {
  createDeviceMaskedGradientFunction,
  createLogProbabilityFunction,
  createMaskedGradientFunction,
  cutMasked,
  learnedTokens,
  type MaskedBatch,
  type MaskedRows,
  openElastic,
} from '@alice/model';
import { errorCodeOf } from '@alice/protocol';
import type { Learner } from './learner.js';
import type { LearnerOptions } from './openLearner.js';
import { commonParts, openSegmentGradients } from './segmentGradients.js';

const MAX_HELD_OUT_ROWS = 64;

/** Throws `SEQUENCE_TOO_LONG`; its segments throw what reading the conversations throws. */
export async function conversationLearner(
  dataset: ConversationDataset,
  options: LearnerOptions,
): Promise<Learner> {
  const { model, settings, threads, microBatch, platform, precision, onNotice } = options;
  const { sequenceLength, rowsPerStep } = settings;
  const rowLength = sequenceLength + 1;
  const shape = { sequenceLength, threads, platform };
  const onLossScale = (scale: number): void => onNotice?.({ kind: 'loss-scale', scale });
  const gradientOptions = { ...shape, precision, onLossScale };
  const gradients = await openSegmentGradients<MaskedBatch>({
    ...commonParts(options),
    cut: (batch, parts) => cutMasked(batch, parts, sequenceLength),
    async host(batch) {
      const masked = await createMaskedGradientFunction(model, { ...gradientOptions, batch });
      return { ...masked, run: (parameters, own, gradient) => masked.run({ ...own, parameters, gradient }) };
    },
    device: (batch, own) =>
      createDeviceMaskedGradientFunction(model, { ...gradientOptions, platform: own, batch }),
  });
  const logProbability = await openElastic({
    ...{ rows: microBatch, compile: (batch) => createLogProbabilityFunction(model, { ...shape, batch }) },
  });
  const epochs = new ConversationEpochs(dataset, { rowLength, seed: settings.seed });
  const examined = await heldOutRows(dataset, rowLength);
  return {
    segment: (work) =>
      gradients.train(work, async (step) => ({ rows: await epochs.take(step * rowsPerStep, rowsPerStep) })),
    async heldOutNats(parameters) {
      if (!examined) return undefined;
      const nats = await logProbability.use((own) => own.run(parameters, examined));
      return -nats.reduce((sum, own) => sum + own, 0) / learnedTokens(examined, sequenceLength);
    },
    async dispose() {
      await gradients.dispose();
      await logProbability.dispose();
    },
  };
}

function rowsOf(
  { tokens, mask }: MaskedRows,
  { from, count, rowLength }: { from: number; count: number; rowLength: number },
): MaskedRows {
  const [start, end] = [from * rowLength, (from + count) * rowLength];
  return { tokens: tokens.subarray(start, end), mask: mask.subarray(start, end) };
}

/** A fixed sample of the validation split; `undefined` where nothing of it fits. */
async function heldOutRows(
  dataset: ConversationDataset,
  rowLength: number,
): Promise<ConversationRows | undefined> {
  const tokens = tokensIn(dataset, 'validation');
  const rows = Math.min(MAX_HELD_OUT_ROWS, Math.ceil(tokens / rowLength));
  if (rows === 0) return undefined;
  try {
    return await sampleConversationRows({ dataset, split: 'validation', rows, rowLength, seed: 'held out' });
  } catch (error) {
    if (errorCodeOf(error) === 'ROWS_TOO_FEW') return undefined;
    throw error;
  }
}

function tokensIn({ manifest }: ConversationDataset, wanted: string): number {
  return manifest.shards.reduce((sum, { split, tokens }) => sum + (split === wanted ? tokens : 0), 0);
}

/** The endless sequence of rows; one epoch of it is held in memory. */
class ConversationEpochs {
  readonly #dataset: ConversationDataset;
  readonly #options: { readonly rowLength: number; readonly seed: string };
  readonly #rowsPerEpoch: number;
  #epoch: { readonly number: number; readonly rows: MaskedRows } | undefined;

  constructor(dataset: ConversationDataset, options: { rowLength: number; seed: string }) {
    this.#dataset = dataset;
    this.#options = options;
    this.#rowsPerEpoch = Math.max(1, Math.ceil(tokensIn(dataset, 'train') / options.rowLength));
  }

  async take(from: number, count: number): Promise<MaskedRows> {
    const { rowLength } = this.#options;
    const taken = { tokens: new Uint16Array(count * rowLength), mask: new Uint8Array(count * rowLength) };
    for (let i = 0; i < count; i++) {
      const epoch = Math.floor((from + i) / this.#rowsPerEpoch);
      const row = (from + i) % this.#rowsPerEpoch;
      const one = rowsOf(await this.#rowsOf(epoch), { from: row, count: 1, rowLength });
      taken.tokens.set(one.tokens, i * rowLength);
      taken.mask.set(one.mask, i * rowLength);
    }
    return taken;
  }

  async #rowsOf(number: number): Promise<MaskedRows> {
    if (this.#epoch?.number === number) return this.#epoch.rows;
    const { rowLength, seed } = this.#options;
    const rows = await sampleConversationRows({
      ...{ dataset: this.#dataset, split: 'train', rows: this.#rowsPerEpoch, rowLength },
      seed: JSON.stringify(['conversations', seed, number]),
    });
    this.#epoch = { number, rows };
    return rows;
  }
}

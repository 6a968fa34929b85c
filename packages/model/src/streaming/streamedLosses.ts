/**
 * @file Losses of rows under several changes of the weights, in one reading of them: each part is read once and used
 * for every group of rows and every change. This is how a submission is scored on a model that does not fit in memory.
 */
import { openSession, type Session, tensorOf } from '@alice/engine';
import { splitInputsAndLabels } from '../splitInputsAndLabels.js';
import { changeRows, embeddedRows } from './embeddedRows.js';
import {
  changeFeeds,
  changesIn,
  type PartWeight,
  partFeeds,
  partWeights,
  rangeOf,
  type WeightChange,
} from './modelPart.js';
import { blockForward, headForward } from './partGraphs.js';
import { blockInputs, headInputs, headRows, partRanges, type StreamContext } from './StreamContext.js';

/** One group of rows under one change, on its way through the model. */
interface Stream {
  readonly change: WeightChange;
  readonly labels: Int32Array;
  /** (N, C) */
  x: Float32Array;
  /** Loss of each position, once the head was reached. */
  losses: Float32Array;
}

/** For each change, the mean loss of each row. */
export async function streamedLosses(
  context: StreamContext,
  tokens: Uint16Array,
  changes: readonly WeightChange[],
): Promise<Float64Array[]> {
  const { config, shape, source } = context;
  const { sequenceLength } = shape;
  const split = splitInputsAndLabels(tokens, { sequenceLength, vocab: config.vocab });
  if (split.rows === 0) return changes.map(() => new Float64Array());
  const ranges = partRanges(context);
  source.prefetch(ranges[0]!);
  const groups = await embedGroups(context, split, changes);
  await runBlocks(context, groups.flat());
  await runHead(context, groups.flat());
  return changes.map((_, c) => {
    const positions = groups.map((group) => group[c]!.losses);
    return Float64Array.from({ length: split.rows }, (_, row) => {
      const from = (row % shape.batch) * sequenceLength;
      const own = positions[Math.floor(row / shape.batch)]!.subarray(from, from + sequenceLength);
      return own.reduce((sum, loss) => sum + loss, 0) / sequenceLength;
    });
  });
}

/** Streams by group, then by change. The last group is filled up with token 0, whose losses nobody reads. */
async function embedGroups(
  { source, weights, rows }: StreamContext,
  { inputs, labels }: { inputs: Int32Array; labels: Int32Array },
  changes: readonly WeightChange[],
): Promise<Stream[][]> {
  const groups: Stream[][] = [];
  for (let from = 0; from < inputs.length; from += rows) {
    const [ownInputs, ownLabels] = [inputs, labels].map((ids) => {
      const filled = new Int32Array(rows);
      filled.set(ids.subarray(from, from + rows));
      return filled;
    });
    const plain = await embeddedRows(source, weights.embedding, ownInputs!);
    groups.push(
      changes.map((change) => {
        const x = plain.slice();
        changeRows(x, ownInputs!, change);
        return { change, labels: ownLabels!, x, losses: new Float32Array(rows) };
      }),
    );
  }
  return groups;
}

async function runBlocks(context: StreamContext, streams: readonly Stream[]): Promise<void> {
  const { source, shape, rows, config } = context;
  const ranges = partRanges(context);
  const blocks = ranges.slice(0, -1);
  const capacities = largest(
    blocks.map((_, block) => capacitiesOf(context, blockInputs(context, block), streams)),
  );
  const part = partWeights(blockInputs(context, 0), { dtype: source.dtype, capacities });
  const session = await openSession(blockForward(part, shape), { threads: context.threads });
  try {
    for (const [block, range] of blocks.entries()) {
      const stored = await source.read(range);
      source.prefetch(ranges[block + 1]!);
      const feeds = partFeeds(part, stored);
      for (const stream of streams) {
        const changed = changeFeeds(part, range, { ...stream.change, layout: context.layout });
        const x = tensorOf(stream.x, [rows, config.width]);
        const { y } = await session.run({ ...feeds, ...changed, x });
        stream.x = y!.data as Float32Array;
      }
      context.onPart();
    }
  } finally {
    await session.release();
  }
}

async function runHead(context: StreamContext, streams: readonly Stream[]): Promise<void> {
  const { source, config, layout, rows } = context;
  const inputs = headInputs(context);
  const range = rangeOf(inputs);
  const taken = headRows(context);
  const capacities = capacitiesOf(context, inputs, streams);
  const part = partWeights(inputs, { dtype: source.dtype, capacities });
  const session: Session = await openSession(headForward(part, config, taken), { threads: context.threads });
  try {
    const feeds = partFeeds(part, await source.read(range));
    for (const stream of streams) {
      const changed = changeFeeds(part, range, { ...stream.change, layout });
      for (let from = 0; from < rows; from += taken) {
        const x = stream.x.subarray(from * config.width, (from + taken) * config.width);
        const own = {
          x: tensorOf(x, [taken, config.width]),
          labels: tensorOf(stream.labels.subarray(from, from + taken), [taken]),
        };
        const { losses } = await session.run({ ...feeds, ...changed, ...own });
        stream.losses.set(losses!.data, from);
      }
    }
  } finally {
    await session.release();
  }
}

/** For each weight, the most elements that any of the changes touches. */
function capacitiesOf(
  { layout, source }: StreamContext,
  inputs: Parameters<typeof partWeights>[0],
  streams: readonly Stream[],
): number[] {
  const part: readonly PartWeight[] = partWeights(inputs, { dtype: source.dtype });
  const deltas = new Set(streams.flatMap(({ change }) => (change.delta ? [change.delta] : [])));
  const counts = [...deltas].map((delta) => changesIn(part, rangeOf(inputs), { delta, layout }));
  return largest([part.map(() => 0), ...counts]);
}

function largest(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!)));
}

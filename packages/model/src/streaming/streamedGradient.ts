/**
 * @file The gradient of a streamed model: blocks forward, the head with its gradient, blocks backward, embedding. Only
 * one phase's session is open at a time, so their working memories never add up. More rows than are computed at once
 * go through each part one micro-batch after another: the weights are read as often as for one.
 */
import { type NamedTensors, openSession, type Session, tensorOf } from '@alice/engine';
import { splitInputsAndLabels } from '../splitInputsAndLabels.js';
import { embeddedRows } from './embeddedRows.js';
import { type GradientDelivery, gradientOutput } from './GradientDelivery.js';
import { partFeeds, partWeights, rangeOf } from './modelPart.js';
import { blockBackward, blockForward, headBackward, SUM_SO_FAR } from './partGraphs.js';
import { blockInputs, headInputs, headRows, partRanges, type StreamContext } from './StreamContext.js';

/** The mean loss; every tensor's gradient goes the way of `delivery`. */
export async function streamedGradient(
  context: StreamContext,
  tokens: Uint16Array,
  delivery: GradientDelivery,
): Promise<number> {
  const { source, weights, config } = context;
  const { inputs, labels } = splitInputsAndLabels(tokens, gradientRows(context, tokens));
  source.prefetch(partRanges(context)[0]!);
  const embedded = await embeddedRows(source, weights.embedding, inputs);
  const streams = await forward(context, groupsOf(embedded, context.rows * config.width));
  const { losses, dx } = await head(context, { x: streams.pop()!, labels, delivery });
  const groups = await backward(context, { streams, dy: dx, delivery });
  await delivery.deliverEmbedding(joined(groups), inputs);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Whole micro-batches; where they are not, as many rows as are computed at once are asked for. */
function gradientRows({ shape }: StreamContext, tokens: Uint16Array) {
  const { batch, sequenceLength, vocab } = shape;
  const rows = tokens.length / (sequenceLength + 1);
  return { sequenceLength, vocab, rows: rows > 0 && rows % batch === 0 ? rows : batch };
}

function groupsOf(all: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: all.length / size }, (_, g) => all.subarray(g * size, (g + 1) * size));
}

function joined(groups: readonly Float32Array[]): Float32Array {
  if (groups.length === 1) return groups[0]!;
  const all = new Float32Array(groups.reduce((sum, { length }) => sum + length, 0));
  for (const [g, group] of groups.entries()) all.set(group, g * group.length);
  return all;
}

async function using<T>(session: Session, work: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

/** The input of every block, then that of the head; of each micro-batch. */
async function forward(context: StreamContext, embedded: Float32Array[]): Promise<Float32Array[][]> {
  const { source, shape, rows, config, threads } = context;
  const ranges = partRanges(context);
  const part = partWeights(blockInputs(context, 0), { dtype: source.dtype });
  return using(await openSession(blockForward(part, shape), { threads }), async (session) => {
    const streams = [embedded];
    for (const [block, range] of ranges.slice(0, -1).entries()) {
      const stored = await source.read(range);
      source.prefetch(ranges[block + 1]!);
      const feeds = partFeeds(part, stored);
      const next: Float32Array[] = [];
      for (const group of streams[block]!) {
        const { y } = await session.run({ ...feeds, x: tensorOf(group, [rows, config.width]) });
        next.push(y!.data as Float32Array);
      }
      streams.push(next);
      context.onPart();
    }
    return streams;
  });
}

interface HeadWork {
  readonly x: readonly Float32Array[];
  readonly labels: Int32Array;
  readonly delivery: GradientDelivery;
}

/** Where the delivery allows it, rows are taken a few at a time and the head's gradient grows in place. */
async function head(
  context: StreamContext,
  { x, labels, delivery }: HeadWork,
): Promise<{ losses: Float32Array; dx: Float32Array[] }> {
  const { source, config, rows, threads } = context;
  const { width } = config;
  const inputs = headInputs(context);
  const range = rangeOf(inputs);
  const part = partWeights(inputs, { dtype: source.dtype });
  const taken = delivery.cutsHead ? headRows(context) : rows;
  const allRows = labels.length;
  const adds = taken < allRows;
  const graph = headBackward(part, config, { rows: taken, allRows, adds });
  const outputs = { ...graph.outputs, ...delivery.outputs(part, graph.gradients, range) };
  return using(await openSession(outputs, { threads, lean: true }), async (session) => {
    const losses = new Float32Array(allRows);
    const dx = x.map(({ length }) => new Float32Array(length));
    const feeds = partFeeds(part, await source.read(range));
    source.prefetch(partRanges(context).at(-2)!);
    const into = delivery.buffers(part);
    const [normName, headName] = part.map(gradientOutput) as [string, string];
    if (adds) into[headName]!.data.fill(0);
    const dNorm = new Float32Array(width);
    let result: NamedTensors = {};
    for (let from = 0; from < allRows; from += taken) {
      const [group, at] = [Math.floor(from / rows), (from % rows) * width];
      const own = {
        x: tensorOf(x[group]!.subarray(at, at + taken * width), [taken, width]),
        labels: tensorOf(labels.subarray(from, from + taken), [taken]),
        ...(adds && { [SUM_SO_FAR]: into[headName]! }),
      };
      result = await session.run({ ...feeds, ...own }, into);
      losses.set(result['losses']!.data, from);
      dx[group]!.set(result['dx']!.data, at);
      if (adds) addTo(dNorm, into[normName]!.data);
    }
    if (adds) into[normName]!.data.set(dNorm);
    await delivery.deliver(result, range);
    context.onPart();
    return { losses, dx };
  });
}

function addTo(sum: Float32Array, part: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + part[i]!;
}

interface BackwardWork {
  /** The input of every block, of each micro-batch; emptied on the way. */
  readonly streams: Float32Array[][];
  readonly dy: Float32Array[];
  readonly delivery: GradientDelivery;
}

/** From the gradient of the last block's output to that of the first block's input. */
async function backward(
  context: StreamContext,
  { streams, dy, delivery }: BackwardWork,
): Promise<Float32Array[]> {
  const { source, shape, rows, config, threads } = context;
  const ranges = partRanges(context).slice(0, -1);
  const part = partWeights(blockInputs(context, 0), { dtype: source.dtype });
  const graph = blockBackward(part, shape);
  const outputs = { ...graph.outputs, ...delivery.outputs(part, graph.gradients, ranges[0]!) };
  return using(await openSession(outputs, { threads }), async (session) => {
    const g = [...dy];
    for (let block = ranges.length - 1; block >= 0; block--) {
      const stored = await source.read(ranges[block]!);
      if (block > 0) source.prefetch(ranges[block - 1]!);
      const feeds = partFeeds(part, stored);
      let result: NamedTensors = {};
      for (const [group, x] of streams.pop()!.entries()) {
        const own = { x: tensorOf(x, [rows, config.width]), dy: tensorOf(g[group]!, [rows, config.width]) };
        result = await session.run({ ...feeds, ...own }, delivery.buffers(part, group));
        delivery.add(part, group);
        g[group] = result['dx']!.data as Float32Array;
      }
      await delivery.deliver(result, ranges[block]!);
      context.onPart();
    }
    return g;
  });
}

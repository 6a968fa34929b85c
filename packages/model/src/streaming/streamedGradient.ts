/**
 * @file The gradient of a streamed model: blocks forward, the head with its gradient, blocks backward, embedding. Only
 * one phase's session is open at a time, so their working memories never add up.
 */
import { openSession, type Session, tensorOf } from '@alice/engine';
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
  const { shape, source, weights } = context;
  const { inputs, labels } = splitInputsAndLabels(tokens, { ...shape, rows: shape.batch });
  source.prefetch(partRanges(context)[0]!);
  const streams = await forward(context, await embeddedRows(source, weights.embedding, inputs));
  const { losses, dx } = await head(context, { x: streams.pop()!, labels, delivery });
  await delivery.deliverEmbedding(await backward(context, { streams, dy: dx, delivery }), inputs);
  return losses.reduce((sum, loss) => sum + loss, 0) / context.rows;
}

async function using<T>(session: Session, work: (session: Session) => Promise<T>): Promise<T> {
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

/** The input of every block, then that of the head. */
async function forward(context: StreamContext, embedded: Float32Array): Promise<Float32Array[]> {
  const { source, shape, rows, config, threads } = context;
  const ranges = partRanges(context);
  const part = partWeights(blockInputs(context, 0), { dtype: source.dtype });
  return using(await openSession(blockForward(part, shape), { threads }), async (session) => {
    const streams = [embedded];
    for (const [block, range] of ranges.slice(0, -1).entries()) {
      const stored = await source.read(range);
      source.prefetch(ranges[block + 1]!);
      const x = tensorOf(streams[block]!, [rows, config.width]);
      const { y } = await session.run({ ...partFeeds(part, stored), x });
      streams.push(y!.data as Float32Array);
    }
    return streams;
  });
}

interface HeadWork {
  readonly x: Float32Array;
  readonly labels: Int32Array;
  readonly delivery: GradientDelivery;
}

/** Where the delivery allows it, rows are taken a few at a time and the head's gradient grows in place. */
async function head(
  context: StreamContext,
  { x, labels, delivery }: HeadWork,
): Promise<{ losses: Float32Array; dx: Float32Array }> {
  const { source, config, rows, threads } = context;
  const { width } = config;
  const inputs = headInputs(context);
  const range = rangeOf(inputs);
  const part = partWeights(inputs, { dtype: source.dtype });
  const taken = delivery.cutsHead ? headRows(context) : rows;
  const adds = taken < rows;
  const graph = headBackward(part, config, { rows: taken, allRows: rows, adds });
  const outputs = { ...graph.outputs, ...delivery.outputs(part, graph.gradients, range) };
  return using(await openSession(outputs, { threads, lean: true }), async (session) => {
    const [losses, dx] = [new Float32Array(rows), new Float32Array(rows * width)];
    const feeds = partFeeds(part, await source.read(range));
    source.prefetch(partRanges(context).at(-2)!);
    const into = delivery.buffers(part);
    const [normName, headName] = part.map(gradientOutput) as [string, string];
    if (adds) into[headName]!.data.fill(0);
    const dNorm = new Float32Array(width);
    for (let from = 0; from < rows; from += taken) {
      const own = {
        x: tensorOf(x.subarray(from * width, (from + taken) * width), [taken, width]),
        labels: tensorOf(labels.subarray(from, from + taken), [taken]),
        ...(adds && { [SUM_SO_FAR]: into[headName]! }),
      };
      const result = await session.run({ ...feeds, ...own }, into);
      losses.set(result['losses']!.data, from);
      dx.set(result['dx']!.data, from * width);
      if (adds) addTo(dNorm, into[normName]!.data);
      if (from + taken < rows) continue;
      if (adds) into[normName]!.data.set(dNorm);
      await delivery.deliver(result, range);
    }
    return { losses, dx };
  });
}

function addTo(sum: Float32Array, part: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + part[i]!;
}

interface BackwardWork {
  /** The input of every block; emptied on the way. */
  readonly streams: Float32Array[];
  readonly dy: Float32Array;
  readonly delivery: GradientDelivery;
}

/** From the gradient of the last block's output to that of the first block's input. */
async function backward(
  context: StreamContext,
  { streams, dy, delivery }: BackwardWork,
): Promise<Float32Array> {
  const { source, shape, rows, config, threads } = context;
  const ranges = partRanges(context).slice(0, -1);
  const part = partWeights(blockInputs(context, 0), { dtype: source.dtype });
  const graph = blockBackward(part, shape);
  const outputs = { ...graph.outputs, ...delivery.outputs(part, graph.gradients, ranges[0]!) };
  return using(await openSession(outputs, { threads }), async (session) => {
    let g = dy;
    for (let block = ranges.length - 1; block >= 0; block--) {
      const stored = await source.read(ranges[block]!);
      if (block > 0) source.prefetch(ranges[block - 1]!);
      const own = {
        x: tensorOf(streams.pop()!, [rows, config.width]),
        dy: tensorOf(g, [rows, config.width]),
      };
      const result = await session.run({ ...partFeeds(part, stored), ...own }, delivery.buffers(part));
      g = result['dx']!.data as Float32Array;
      await delivery.deliver(result, ranges[block]!);
    }
    return g;
  });
}

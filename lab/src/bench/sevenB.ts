/**
 * @file The true Alice-7B on this machine: random weights in hashed pages on disk, one task through the streamed gradient to the bytes
 * of a submission, then its scoring as the server does it. What is measured: the memory it takes, and the time beside
 * what the machine's matrix products alone would take. ALICE_BENCH_LAYERS cuts the model for a quick look,
 * ALICE_BENCH_TOKENS sets the tokens of the task, ALICE_BENCH_DIR says where the weights are written (12.4 GB).
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  createStreamedModel,
  type ModelConfig,
  modelLayout,
  openWeightPages,
  parameterCount,
  resolveModel,
  type StreamedModel,
  type WeightSource,
  writeWeightPages,
} from '@alice/model';
import {
  decodeSubmission,
  encodeSubmission,
  entryCount,
  type SparseTensor,
  type SubmissionHeader,
  seededRandom,
} from '@alice/protocol';
import { inBenchFolder } from './benchFolder.js';
import type { Bench, Figure } from './figure.js';
import { DIR, LAYERS, type Say, since } from './largeModel.js';
import { type MatmulProbe, openMatmulProbe, type Spent, spentSince } from './matmulProbe.js';
import { peakResidentGib } from './peakResident.js';
import { randomWeights } from './randomWeights.js';

const TOKENS = Number(process.env['ALICE_BENCH_TOKENS'] ?? '256');
const DENSITY = 0.001;
/** SPEC SCORE-4: a submission is scored at a quarter of its step. */
const SCORED_STEP = 0.25;
/** Root mean square of the change of the weights that are sent. */
const STEP_RMS = 0.01;
const goals = { peakRssGib: 8, stepVsMatmul: 0.7 };
const HEADER: SubmissionHeader = {
  taskId: `0x${'11'.repeat(16)}`,
  nonce: `0x${'22'.repeat(32)}`,
  stateRoot: `0x${'33'.repeat(32)}`,
  baseVersion: 0,
  innerSteps: 1,
  tokens: TOKENS,
  meanTrainingLossNats: 0,
};

export const sevenBBench: Bench = {
  name: '7b',
  about: `Alice-7B by layer streaming: ${LAYERS} layers, a task of ${TOKENS} tokens to a submission, then its score`,
  run: (say) => inBenchFolder({ parent: DIR, name: '7b' }, (dir) => run(dir, say)),
};

async function run(dir: string, say: Say): Promise<Figure[]> {
  const config = resolveModel('7b', { layers: LAYERS });
  const path = join(dir, 'weights.safetensors');
  const start = performance.now();
  const { sizeBytes } = await writeWeightPages(path, randomWeights(config, '7b'), 'F16');
  say(
    `${parameterCount(config)} weights in hashed pages, ${(sizeBytes / 1e9).toFixed(1)} GB, ${since(start)}`,
  );
  return await measure(config, path, say);
}

async function measure(config: ModelConfig, path: string, say: Say): Promise<Figure[]> {
  const threads = availableParallelism();
  const probe = await openMatmulProbe(threads);
  const file = await openWeightPages(path, modelLayout(config));
  try {
    const probed = probedSource(file, probe);
    const shape = { batch: 1, sequenceLength: TOKENS, threads };
    const model = createStreamedModel(config, { ...shape, source: probed.source });
    const step = await timed(probed, probe, () => submissionOf(config, model));
    report(say, 'step', step);
    say(`loss ${step.result.lossNats.toFixed(4)}, ${step.result.bytes.length} bytes submitted`);
    const score = await timed(probed, probe, () => scoreOf(config, model, step.result.bytes));
    report(say, 'score', score);
    say(
      `loss of other rows before ${score.result.before.toFixed(6)}, after ${score.result.after.toFixed(6)}`,
    );
    return figures(config, step, score);
  } finally {
    await file.close();
    await probe.release();
  }
}

/** One task: the largest entries of every tensor's gradient, each tensor's change scaled to the same size, as bytes. */
async function submissionOf(
  config: ModelConfig,
  model: StreamedModel,
): Promise<{ bytes: Uint8Array; lossNats: number; entries: number }> {
  const tensors: SparseTensor[] = [];
  const lossNats = await model.largestGradients(
    rowOf(config, 'task'),
    DENSITY,
    ({ tensor, indices, values }) => {
      const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      tensors.push({ tensor, indices, values: values.map((value) => (-STEP_RMS * value) / rms) });
    },
  );
  const delta = { tensors: tensors.sort((a, b) => a.tensor - b.tensor) };
  const header = { ...HEADER, meanTrainingLossNats: lossNats };
  const bytes = await encodeSubmission(header, delta, modelLayout(config));
  return { bytes, lossNats, entries: entryCount(delta) };
}

/** Decodes and scores as the server does: losses of the same fresh rows before, and after a quarter of the step. */
async function scoreOf(
  config: ModelConfig,
  model: StreamedModel,
  bytes: Uint8Array,
): Promise<{ before: number; after: number }> {
  const layout = modelLayout(config);
  const limits = { layout, maxEntries: 2 * Math.ceil(DENSITY * layout.size), maxInflatedBytes: 2 ** 30 };
  const { delta } = await decodeSubmission(bytes, limits);
  const [before, after] = await model.losses(rowOf(config, 'fresh'), [{}, { delta, scale: SCORED_STEP }]);
  return { before: before![0]!, after: after![0]! };
}

/** Token ids with the uneven frequencies of language, so that there is something to learn. */
function rowOf({ vocab }: ModelConfig, seed: string): Uint16Array {
  const random = seededRandom(`7b/${seed}`);
  return Uint16Array.from({ length: TOKENS + 1 }, () => Math.floor(vocab * random.unit() ** 4));
}

interface ProbedSource {
  readonly source: WeightSource;
  /** Time the probes took since the last reset; no part of what is measured. */
  probed(): Spent;
  reset(): void;
}

/** A source that takes a probe at every large read, so that the yardstick is measured all along. */
function probedSource(source: WeightSource, probe: MatmulProbe): ProbedSource {
  const LARGE = 2 ** 24;
  let [ms, cpuMs] = [0, 0];
  return {
    probed: () => ({ ms, cpuMs }),
    reset() {
      [ms, cpuMs] = [0, 0];
      probe.reset();
    },
    source: {
      dtype: source.dtype,
      size: source.size,
      prefetch: (range) => source.prefetch(range),
      async read(range) {
        const stored = await source.read(range);
        if (range.size < LARGE) return stored;
        const took = await probe.take();
        ms += took.ms;
        cpuMs += took.cpuMs;
        return stored;
      },
      close: () => source.close(),
    },
  };
}

interface Timed<T> {
  readonly result: T;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly matmulGflops: number;
  readonly matmulGflopsPerCpu: number;
}

async function timed<T>(probed: ProbedSource, probe: MatmulProbe, work: () => Promise<T>): Promise<Timed<T>> {
  probed.reset();
  const spent = spentSince();
  const result = await work();
  const [all, inProbes] = [spent(), probed.probed()];
  return {
    result,
    seconds: (all.ms - inProbes.ms) / 1e3,
    cpuSeconds: (all.cpuMs - inProbes.cpuMs) / 1e3,
    matmulGflops: probe.gflops(),
    matmulGflopsPerCpu: probe.gflopsPerCpu(),
  };
}

/** Operations of the matrix products of one forward pass over the task's tokens. */
function forwardFlop(config: ModelConfig): { blocks: number; head: number } {
  const { layers, width, heads, kvHeads, ffn, vocab } = config;
  const kvWidth = (width / heads) * kvHeads;
  const weights = 2 * width * width + 2 * width * kvWidth + 3 * width * ffn;
  const attention = 2 * TOKENS * width; // scores and their use, by T positions each
  return { blocks: 2 * TOKENS * layers * (weights + attention), head: 2 * TOKENS * width * vocab };
}

function figures(
  config: ModelConfig,
  step: Timed<{ bytes: Uint8Array; entries: number }>,
  score: Timed<{ before: number; after: number }>,
): Figure[] {
  const { blocks, head } = forwardFlop(config);
  const ratio = (flop: number, { seconds, matmulGflops }: Timed<unknown>): number =>
    flop / 1e9 / matmulGflops / seconds;
  const cpuRatio = (flop: number, { cpuSeconds, matmulGflopsPerCpu }: Timed<unknown>): number =>
    flop / 1e9 / matmulGflopsPerCpu / cpuSeconds;
  const about = `${LAYERS} layers, ${TOKENS} tokens`;
  const figure = (
    name: string,
    value: number,
    unit: string,
    note: string,
    baseline: number | null = null,
  ): Figure => ({
    ...{ name, value, unit, baseline, note },
  });
  return [
    figure('peak_rss_gib', peakResidentGib(), 'GiB', `baseline: the goal; ${about}`, goals.peakRssGib),
    figure(
      'step_vs_matmul',
      ratio(4 * blocks + 3 * head, step),
      'ratio',
      'baseline: the goal; products of the step, blocks computed twice, at the MatMul rate measured all along',
      goals.stepVsMatmul,
    ),
    figure(
      'step_vs_matmul_cpu',
      cpuRatio(4 * blocks + 3 * head, step),
      'ratio',
      'by processor time, which other work on the machine hardly changes',
    ),
    figure('score_vs_matmul_cpu', cpuRatio(2 * (blocks + head), score), 'ratio', 'by processor time'),
    figure(
      'step_vs_matmul_once',
      ratio(3 * blocks + 3 * head, step),
      'ratio',
      'the same, blocks counted once',
    ),
    figure(
      'score_vs_matmul',
      ratio(2 * (blocks + head), score),
      'ratio',
      'losses before and after a quarter step, decoding included',
    ),
    figure('step_s', step.seconds, 's', 'weights on disk to bytes of a submission'),
    figure('score_s', score.seconds, 's', 'bytes of a submission to losses'),
    figure('matmul_gflops', step.matmulGflops, 'GFLOP/s', 'mean of the probes during the step'),
    figure(
      'submission_mb',
      step.result.bytes.length / 1e6,
      'MB',
      `${step.result.entries} entries, binary_v2`,
    ),
    figure(
      'score_nats',
      score.result.before - score.result.after,
      'nats',
      'gain of a quarter step on fresh rows',
    ),
  ];
}

function report(say: Say, what: string, { seconds, matmulGflops }: Timed<unknown>): void {
  say(
    `${what}: ${seconds.toFixed(1)} s; MatMul meanwhile ${matmulGflops.toFixed(0)} GFLOP/s; peak ${peakResidentGib().toFixed(2)} GiB`,
  );
}

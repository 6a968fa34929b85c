/**
 * @file How much of the machine's matrix multiplication training uses: gradients of Llama-shaped models of several
 * widths, embedding, head and loss included, beside MatMul in the same process, probed after every step. Beside PyTorch
 * where `python3` has it: the same model, batch and threads, eager and compiled, step by step in turn (`pytorch.ts`).
 */
import { availableParallelism } from 'node:os';
import {
  createGradientFunction,
  initParameters,
  type ModelConfig,
  parameterCount,
  resolveModel,
} from '@alice/model';
import { seededRandom } from '@alice/protocol';
import type { Bench, Figure } from './figure.js';
import { type MatmulProbe, openMatmulProbe, PROBE_SIZE, type Spent, spentSince } from './matmulProbe.js';
import { openPytorch, type PytorchMode } from './pytorch.js';

const WARMUP_STEPS = 1;
const STEPS = Number(process.env['ALICE_BENCH_STEPS'] ?? '5');
/** Which widths, such as `256,512`; all unless given. */
const WIDTHS = process.env['ALICE_BENCH_WIDTHS']?.split(',').map(Number);

interface Workload {
  readonly config: ModelConfig;
  readonly batch: number;
  readonly sequenceLength: number;
  /** Share of the MatMul rate that training ought to reach. */
  readonly goal: number;
}

/** Each with the share of operations in the head that its vocabulary brings. */
const workloads: readonly Workload[] = [
  { config: resolveModel('tiny'), batch: 4, sequenceLength: 256, goal: 0.6 },
  {
    config: resolveModel('tiny', { layers: 6, width: 512, ffn: 1_408, context: 512, vocab: 16_384 }),
    ...{ batch: 2, sequenceLength: 512, goal: 0.85 },
  },
  {
    config: resolveModel('1b', { layers: 4, width: 1_024, ffn: 2_816, context: 1_024 }),
    ...{ batch: 1, sequenceLength: 1_024, goal: 0.85 },
  },
];

export const engineBench: Bench = {
  name: 'engine',
  about:
    'training beside plain MatMul in the same process, at widths 256, 512 and 1024; beside PyTorch if installed',
  async run(say) {
    const threads = availableParallelism();
    const probe = await openMatmulProbe(threads);
    const figures: Figure[] = [];
    try {
      for (const workload of workloads) {
        if (WIDTHS && !WIDTHS.includes(workload.config.width)) continue;
        const speed = await measure(workload, probe, threads);
        const width = `w${workload.config.width}`;
        say(
          `${width}: ${speed.tokensPerSecond.toFixed(0)} tokens/s, MatMul ${speed.matmulGflops.toFixed(0)} GFLOP/s`,
        );
        figures.push(...figuresOf(workload, speed), ...besidePytorch(workload, speed));
      }
      return figures;
    } finally {
      await probe.release();
    }
  },
};

interface Speed {
  readonly tokensPerSecond: number;
  readonly gflops: number;
  readonly gflopsPerCpu: number;
  readonly matmulGflops: number;
  readonly matmulGflopsPerCpu: number;
  readonly cpuMs: number;
  readonly pytorch: readonly (PytorchSpeed & { readonly version: string })[];
  /** PyTorch's own MatMul, in turn with the probe. */
  readonly pytorchMatmulGflops: number | undefined;
}

interface PytorchSpeed {
  readonly mode: PytorchMode;
  readonly tokensPerSecond: number;
  readonly cpuMs: number;
}

async function measure(workload: Workload, probe: MatmulProbe, threads: number): Promise<Speed> {
  const { config, batch, sequenceLength } = workload;
  const pytorch = await openPytorch({ ...config, batch, sequenceLength, threads });
  const steps: Spent[] = [];
  const theirs = new Map<PytorchMode, Spent[]>(pytorch?.modes.map((mode) => [mode, []]));
  const products: Spent[] = [];
  const own = await ownSteps(workload, threads);
  for (let step = 0; step < WARMUP_STEPS + STEPS; step++) {
    if (step === WARMUP_STEPS) probe.reset();
    const took = await own.step();
    if (step >= WARMUP_STEPS) steps.push(took);
    await probe.take();
    if (pytorch) products.push(await pytorch.matmul(PROBE_SIZE));
    for (const [mode, all] of theirs) all.push(await pytorch!.step(mode));
  }
  await own.dispose();
  await pytorch?.close();
  const tokensPerSecond = (all: readonly Spent[]): number =>
    (all.length * batch * sequenceLength * 1e3) / total(all, 'ms');
  const flop = steps.length * stepFlop(workload);
  return {
    tokensPerSecond: tokensPerSecond(steps),
    gflops: flop / total(steps, 'ms') / 1e6,
    gflopsPerCpu: flop / total(steps, 'cpuMs') / 1e6,
    matmulGflops: probe.gflops(),
    matmulGflopsPerCpu: probe.gflopsPerCpu(),
    cpuMs: total(steps, 'cpuMs') / steps.length,
    pytorchMatmulGflops:
      pytorch && (steps.length * 2 * PROBE_SIZE ** 3) / total(products.slice(WARMUP_STEPS), 'ms') / 1e6,
    pytorch: [...theirs].map(([mode, all]) => {
      const measured = all.slice(WARMUP_STEPS);
      const cpuMs = total(measured, 'cpuMs') / measured.length;
      return { mode, tokensPerSecond: tokensPerSecond(measured), cpuMs, version: pytorch!.version };
    }),
  };
}

const total = (all: readonly Spent[], of: keyof Spent): number =>
  all.reduce((sum, step) => sum + step[of], 0);

/** The gradient of one batch, time and again. */
async function ownSteps(
  { config, batch, sequenceLength }: Workload,
  threads: number,
): Promise<{ step(): Promise<Spent>; dispose(): Promise<void> }> {
  const random = seededRandom('engine bench');
  const parameters = initParameters(config, 'engine bench');
  const gradient = new Float32Array(parameters.length);
  const tokens = Uint16Array.from({ length: batch * (sequenceLength + 1) }, () => random.below(config.vocab));
  const gradientFunction = await createGradientFunction(config, { batch, sequenceLength, threads });
  return {
    async step() {
      const spent = spentSince();
      await gradientFunction.run(parameters, tokens, gradient);
      return spent();
    },
    dispose: () => gradientFunction.dispose(),
  };
}

/** Operations of a step's matrix products: 6 a token and weight (the embedding takes none), and attention's. */
function stepFlop({ config, batch, sequenceLength }: Workload): number {
  const { layers, width, vocab } = config;
  const tokens = batch * sequenceLength;
  return (
    6 * tokens * (parameterCount(config) - vocab * width) + 12 * tokens * layers * sequenceLength * width
  );
}

function figuresOf({ config, batch, sequenceLength, goal }: Workload, speed: Speed): Figure[] {
  const { width, layers, vocab } = config;
  const shape = `${layers} layers, vocabulary ${vocab}, ${batch} × ${sequenceLength} tokens`;
  return [
    {
      name: `train_vs_matmul_w${width}`,
      value: speed.gflops / speed.matmulGflops,
      unit: 'ratio',
      baseline: goal,
      note: `baseline: the goal; ${shape}`,
    },
    {
      name: `train_vs_matmul_cpu_w${width}`,
      value: speed.gflopsPerCpu / speed.matmulGflopsPerCpu,
      unit: 'ratio',
      baseline: goal,
      note: 'the same by processor time, which other work on the machine hardly changes',
    },
    {
      name: `train_gflops_w${width}`,
      value: speed.gflops,
      unit: 'GFLOP/s',
      baseline: speed.matmulGflops,
      note: 'baseline: MatMul 2048³, probed after every step',
    },
    {
      name: `train_tokens_w${width}`,
      value: speed.tokensPerSecond,
      unit: 'tokens/s',
      baseline: null,
      note: `${parameterCount(config)} parameters`,
    },
  ];
}

/** Tokens a second beside PyTorch's, and the same by processor time; nothing where Python or PyTorch is missing. */
function besidePytorch({ config }: Workload, speed: Speed): Figure[] {
  const { pytorchMatmulGflops: theirs } = speed;
  const matmul =
    theirs === undefined
      ? []
      : [
          {
            name: `matmul_vs_pytorch_w${config.width}`,
            value: speed.matmulGflops / theirs,
            unit: 'ratio',
            baseline: 1,
            note: `MatMul ${PROBE_SIZE}³ beside PyTorch's own, in turn, while this width was measured: ${theirs.toFixed(0)} GFLOP/s`,
          },
        ];
  const steps = speed.pytorch.flatMap(({ mode, version, tokensPerSecond, cpuMs }) => [
    {
      name: `train_vs_pytorch_${mode}_w${config.width}`,
      value: speed.tokensPerSecond / tokensPerSecond,
      unit: 'ratio',
      baseline: 1,
      note: `tokens/s beside PyTorch ${version}, steps in turn: ${tokensPerSecond.toFixed(0)}`,
    },
    {
      name: `train_vs_pytorch_${mode}_cpu_w${config.width}`,
      value: cpuMs / speed.cpuMs,
      unit: 'ratio',
      baseline: 1,
      note: 'the same by processor time; PyTorch spins while it waits',
    },
  ]);
  return [...matmul, ...steps];
}

/**
 * @file How much of the machine's matrix multiplication training uses: gradients of Llama-shaped models of several
 * widths, embedding, head and loss included, beside MatMul in the same process, probed after every step. Beside PyTorch
 * where `python3` has it: the same model, batch and threads, eager and compiled (`trainLlama.py`).
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  createGradientFunction,
  initParameters,
  type ModelConfig,
  parameterCount,
  resolveModel,
} from '@alice/model';
import { seededRandom } from '@alice/protocol';
import type { Bench, Figure } from './figure.js';
import { type MatmulProbe, openMatmulProbe, type Spent, spentSince } from './matmulProbe.js';

const WARMUP_STEPS = 1;
const STEPS = Number(process.env['ALICE_BENCH_STEPS'] ?? '5');
const SCRIPT = fileURLToPath(new URL('../../src/bench/trainLlama.py', import.meta.url));

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
        const speed = await measure(workload, probe, threads);
        const width = `w${workload.config.width}`;
        say(
          `${width}: ${speed.tokensPerSecond.toFixed(0)} tokens/s, MatMul ${speed.matmulGflops.toFixed(0)} GFLOP/s`,
        );
        figures.push(...figuresOf(workload, speed), ...besidePytorch(workload, threads, speed));
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
}

async function measure(workload: Workload, probe: MatmulProbe, threads: number): Promise<Speed> {
  const { config, batch, sequenceLength } = workload;
  const random = seededRandom('engine bench');
  const parameters = initParameters(config, 'engine bench');
  const gradient = new Float32Array(parameters.length);
  const tokens = Uint16Array.from({ length: batch * (sequenceLength + 1) }, () => random.below(config.vocab));
  const gradientFunction = await createGradientFunction(config, { batch, sequenceLength, threads });
  const steps: Spent[] = [];
  for (let step = 0; step < WARMUP_STEPS + STEPS; step++) {
    if (step === WARMUP_STEPS) probe.reset();
    const spent = spentSince();
    await gradientFunction.run(parameters, tokens, gradient);
    const took = spent();
    if (step >= WARMUP_STEPS) steps.push(took);
    await probe.take();
  }
  await gradientFunction.dispose();
  const total = (of: keyof Spent): number => steps.reduce((sum, step) => sum + step[of], 0);
  const flop = steps.length * stepFlop(workload);
  return {
    tokensPerSecond: (steps.length * batch * sequenceLength * 1e3) / total('ms'),
    gflops: flop / total('ms') / 1e6,
    gflopsPerCpu: flop / total('cpuMs') / 1e6,
    matmulGflops: probe.gflops(),
    matmulGflopsPerCpu: probe.gflopsPerCpu(),
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

interface PytorchSpeed {
  readonly version: string;
  readonly eager: number;
  readonly compiled: number | null;
}

/** Tokens a second beside PyTorch's; nothing where Python or PyTorch is missing. */
function besidePytorch({ config, batch, sequenceLength }: Workload, threads: number, speed: Speed): Figure[] {
  const request = JSON.stringify({ ...config, batch, sequenceLength, threads, steps: STEPS });
  const { status, stdout } = spawnSync('python3', [SCRIPT], { input: request, encoding: 'utf8' });
  if (status !== 0) return [];
  const pytorch = JSON.parse(stdout) as PytorchSpeed;
  return (['eager', 'compiled'] as const).flatMap((mode) => {
    const theirs = pytorch[mode];
    if (theirs === null) return [];
    return [
      {
        name: `train_vs_pytorch_${mode}_w${config.width}`,
        value: speed.tokensPerSecond / theirs,
        unit: 'ratio',
        baseline: 1,
        note: `tokens/s beside PyTorch ${pytorch.version}: ${theirs.toFixed(0)}`,
      },
    ];
  });
}

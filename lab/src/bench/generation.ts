/**
 * @file How fast text is generated: tokens a second with remembered keys and values, beside computing everything anew,
 * and beside llama.cpp on the same weights where it is installed (llamaCpp.ts). Random weights: speed does not depend on
 * them. All sides take turns, so that what else the machine does meets all of them; each takes the number of threads that
 * suits it best.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  continueText,
  createDecoder,
  createLogitsFunction,
  exportGguf,
  initParameters,
  type ModelConfig,
  resolveModel,
  tensorsOf,
} from '@alice/model';
import type { Bench, Figure } from './figure.js';
import { type Llama, openLlama, openLlamaRates } from './llamaCpp.js';

const PRESETS = ['nano', 'tiny', '100m'] as const;
const DTYPES = ['F32', 'F16'] as const;
const PROMPT_TOKENS = 64;
const NEW_TOKENS = 32;
const ROUNDS = 7;
const GOAL = 0.7;
const THREADS = [...new Set([1, availableParallelism()])];

interface Subject {
  readonly preset: string;
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly prompt: readonly number[];
}

/** One side of the comparison, ready to be measured: a rate a number of threads. */
interface Side {
  readonly rates: readonly (() => Promise<number>)[];
  close(): Promise<void>;
}

export const generationBench: Bench = {
  name: 'generation',
  about: 'tokens a second: remembering, computing anew, and llama.cpp on the same weights',
  async run(say) {
    const llama = await openLlama();
    if (!llama) say('node-llama-cpp is not installed: its figures are left out (see docs/checkpoints.md)');
    const figures: Figure[] = [];
    try {
      for (const preset of PRESETS) figures.push(...(await figuresOf(subjectOf(preset), { llama, say })));
    } finally {
      await llama?.dispose();
    }
    return figures;
  },
};

function subjectOf(preset: string): Subject {
  const config = resolveModel(preset);
  const prompt = Array.from({ length: PROMPT_TOKENS }, (_, i) => (i * 37) % config.vocab);
  return { preset, config, parameters: initParameters(config, 'bench'), prompt };
}

async function figuresOf(
  subject: Subject,
  { llama, say }: { llama: Llama | undefined; say: (line: string) => void },
): Promise<Figure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-generation-'));
  const sides: Record<string, Side> = {};
  try {
    sides['ours'] = decoding(subject);
    sides['anew'] = await recomputing(subject);
    if (llama) for (const dtype of DTYPES) sides[dtype] = await inLlama(llama, { subject, dtype, dir });
    const rates = await takeTurns(sides);
    const { preset } = subject;
    for (const [name, of] of Object.entries(rates)) say(`${preset}: ${name} ${best(of).toFixed(1)} tokens/s`);
    const ours = rates['ours']!;
    const note = 'baseline: computing the whole text for each token';
    const own = { name: `decode_${preset}`, value: best(ours), baseline: best(rates['anew']!), note };
    const beside = llama
      ? DTYPES.flatMap((dtype) => besideLlama({ preset, dtype }, ours, rates[dtype]!))
      : [];
    return [{ ...own, unit: 'tokens/s' }, ...beside];
  } finally {
    for (const side of Object.values(sides)) await side.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

const best = (rates: readonly number[]): number => Math.max(...rates);

/** The rate of each side in each round, with the number of threads that suits it best. The first round warms up. */
async function takeTurns(sides: Readonly<Record<string, Side>>): Promise<Record<string, number[]>> {
  const rounds: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, { rates }] of Object.entries(sides)) {
      let highest = 0;
      for (const rate of rates) highest = Math.max(highest, await rate());
      if (round > 0) rounds[name]!.push(highest);
    }
  return rounds;
}

function besideLlama(
  { preset, dtype }: { preset: string; dtype: string },
  ours: readonly number[],
  theirs: readonly number[],
): Figure[] {
  const name = `${preset}_${dtype.toLowerCase()}`;
  const ratios = ours.map((rate, round) => rate / theirs[round]!);
  const spread = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2)).join(' to ');
  return [
    {
      ...{ name: `decode_llama_cpp_${name}`, value: best(theirs), unit: 'tokens/s', baseline: best(ours) },
      note: 'baseline: this program, FP32',
    },
    {
      ...{ name: `decode_vs_llama_cpp_${name}`, value: best(ours) / best(theirs), unit: '×', baseline: GOAL },
      note: `baseline: the goal; FP32 here, ${dtype} in llama.cpp; in single rounds ${spread}`,
    },
  ];
}

/** Single tokens after the prompt, each the likeliest, as `alice generate` makes them. */
function decoding({ config, parameters, prompt }: Subject): Side {
  const decoders = THREADS.map((threads) => createDecoder({ config, parameters, threads }));
  const rates = decoders.map((decoder) => async () => {
    let startMs = 0;
    await continueText(decoder, config, {
      ...{ prompt, maxTokens: NEW_TOKENS + 1, temperature: 0, topK: 0, seed: 'bench' },
      onToken: () => {
        startMs ||= performance.now(); // the prompt is read
      },
    });
    return (1000 * NEW_TOKENS) / (performance.now() - startMs);
  });
  const close = async (): Promise<void> => {
    for (const decoder of decoders) await decoder.dispose();
  };
  return { rates, close };
}

/** The whole text for one token. */
async function recomputing({ config, parameters, prompt }: Subject): Promise<Side> {
  const shape = { sequenceLength: PROMPT_TOKENS + NEW_TOKENS, positions: 1 };
  const functions = await Promise.all(
    THREADS.map((threads) => createLogitsFunction(config, { ...shape, threads })),
  );
  const rates = functions.map((logits) => async () => {
    const startMs = performance.now();
    await logits.run(parameters, prompt, [PROMPT_TOKENS - 1]);
    return 1000 / (performance.now() - startMs);
  });
  const close = async (): Promise<void> => {
    for (const logits of functions) await logits.dispose();
  };
  return { rates, close };
}

async function inLlama(
  llama: Llama,
  { subject, dtype, dir }: { subject: Subject; dtype: (typeof DTYPES)[number]; dir: string },
): Promise<Side> {
  const { config, parameters, prompt } = subject;
  const facts = { tokenizerId: config.vocab === 50_257 ? 'gpt2' : `gpt2-${config.vocab}` };
  const path = join(dir, `${dtype}.gguf`);
  await exportGguf({ config, facts, dtype, path, weights: tensorsOf(config, parameters) });
  return await openLlamaRates(llama, { path, prompt, newTokens: NEW_TOKENS, threads: THREADS });
}

/**
 * @file How fast text is generated: tokens a second with remembered keys and values, beside computing everything anew,
 * and beside llama.cpp on the same weights where `node-llama-cpp` is installed (ALICE_LLAMA_CPP names the folder of its
 * package.json). Random weights: speed does not depend on them. Each side takes the number of threads that suits it best.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createDecoder,
  createLogitsFunction,
  exportGguf,
  initParameters,
  type ModelConfig,
  resolveModel,
  tensorsOf,
} from '@alice/model';
import type { Bench, Figure } from './figure.js';

const PRESETS = ['nano', 'tiny', '100m'] as const;
const PROMPT_TOKENS = 64;
const NEW_TOKENS = 32;
const REPEATS = 3;
const GOAL = 0.7;
const THREADS = [...new Set([1, availableParallelism()])];

interface Subject {
  readonly preset: string;
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly prompt: readonly number[];
}

export const generationBench: Bench = {
  name: 'generation',
  about: 'tokens a second: remembering, computing anew, and llama.cpp on the same weights',
  async run(say) {
    const llama = await openLlama();
    if (!llama) say('node-llama-cpp is not installed: its figures are left out (see docs/checkpoints.md)');
    const figures: Figure[] = [];
    try {
      for (const preset of PRESETS) {
        const subject = subjectOf(preset);
        const ours = await best(THREADS, (threads) => decodeRate(subject, threads));
        const anew = await best(THREADS, (threads) => recomputeRate(subject, threads));
        say(`${preset}: ${ours.toFixed(1)} tokens/s, computing anew ${anew.toFixed(1)}`);
        figures.push(
          figure(`decode_${preset}`, ours, anew, 'baseline: computing the whole text for each token'),
        );
        if (llama) figures.push(...(await besideLlama(subject, ours, { llama, say })));
      }
    } finally {
      await llama?.dispose();
    }
    return figures;
  },
};

function figure(name: string, value: number, baseline: number, note: string): Figure {
  return { name, value, unit: 'tokens/s', baseline, note };
}

function subjectOf(preset: string): Subject {
  const config = resolveModel(preset);
  const prompt = Array.from({ length: PROMPT_TOKENS }, (_, i) => (i * 37) % config.vocab);
  return { preset, config, parameters: initParameters(config, 'bench'), prompt };
}

async function best(choices: readonly number[], rate: (threads: number) => Promise<number>): Promise<number> {
  let highest = 0;
  for (const threads of choices) highest = Math.max(highest, await rate(threads));
  return highest;
}

/** Tokens a second over `NEW_TOKENS` single steps after the prompt; the best of several repeats. */
async function decodeRate({ config, parameters, prompt }: Subject, threads: number): Promise<number> {
  const decoder = createDecoder({ config, parameters, threads });
  let highest = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    decoder.reset();
    await decoder.read(prompt);
    await decoder.read([0]); // opens the graph of single tokens
    const startMs = performance.now();
    for (let token = 0; token < NEW_TOKENS; token++) await decoder.read([token]);
    highest = Math.max(highest, (1000 * NEW_TOKENS) / (performance.now() - startMs));
  }
  await decoder.dispose();
  return highest;
}

async function recomputeRate({ config, parameters, prompt }: Subject, threads: number): Promise<number> {
  const sequenceLength = PROMPT_TOKENS + NEW_TOKENS;
  const logitsFunction = await createLogitsFunction(config, { sequenceLength, positions: 1, threads });
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat <= REPEATS; repeat++) {
    const startMs = performance.now();
    await logitsFunction.run(parameters, prompt, [PROMPT_TOKENS - 1]);
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  }
  await logitsFunction.dispose();
  return 1000 / fastestMs;
}

async function besideLlama(
  subject: Subject,
  ours: number,
  { llama, say }: { llama: Llama; say: (line: string) => void },
): Promise<Figure[]> {
  const { preset, config, parameters } = subject;
  const dir = mkdtempSync(join(tmpdir(), 'alice-generation-'));
  const figures: Figure[] = [];
  try {
    for (const dtype of ['F32', 'F16'] as const) {
      const facts = { tokenizerId: config.vocab === 50_257 ? 'gpt2' : `gpt2-${config.vocab}` };
      const path = join(dir, `${dtype}.gguf`);
      await exportGguf({ config, facts, dtype, path, weights: tensorsOf(config, parameters) });
      const theirs = await best(THREADS, (threads) => llamaRate(llama, { path, subject, threads }));
      say(`${preset}: llama.cpp ${dtype} ${theirs.toFixed(1)} tokens/s`);
      const name = `${preset}_${dtype.toLowerCase()}`;
      figures.push(figure(`decode_llama_cpp_${name}`, theirs, ours, 'baseline: this program, FP32'), {
        ...{ name: `decode_vs_llama_cpp_${name}`, value: ours / theirs, unit: '×', baseline: GOAL },
        note: `baseline: the goal; FP32 here, ${dtype} in llama.cpp`,
      });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return figures;
}

/** The parts of node-llama-cpp used here. */
interface Llama {
  loadModel(options: object): Promise<{
    createContext(options: object): Promise<{
      getSequence(): {
        clearHistory(): Promise<void>;
        evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
      };
      dispose(): Promise<void>;
    }>;
    dispose(): Promise<void>;
  }>;
  dispose(): Promise<void>;
}

async function openLlama(): Promise<Llama | undefined> {
  const from = process.env['ALICE_LLAMA_CPP'] ?? import.meta.dirname;
  try {
    const path = createRequire(join(from, 'package.json')).resolve('node-llama-cpp');
    const binding = (await import(pathToFileURL(path).href)) as { getLlama(options: object): Promise<Llama> };
    return await binding.getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel: 'error' });
  } catch {
    return undefined;
  }
}

async function llamaRate(
  llama: Llama,
  { path, subject, threads }: { path: string; subject: Subject; threads: number },
): Promise<number> {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ contextSize: 128, threads });
  const sequence = context.getSequence();
  let highest = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    await sequence.clearHistory();
    let made = 0;
    let startMs = 0;
    for await (const _ of sequence.evaluate(subject.prompt, { temperature: 0, yieldEogToken: true })) {
      if (made === 0) startMs = performance.now(); // the prompt is read
      if (++made > NEW_TOKENS) break;
    }
    highest = Math.max(highest, (1000 * (made - 1)) / (performance.now() - startMs));
  }
  await context.dispose();
  await model.dispose();
  return highest;
}

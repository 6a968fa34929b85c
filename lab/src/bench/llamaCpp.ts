/**
 * @file llama.cpp as a contender of the generation bench, where `node-llama-cpp` is installed: ALICE_LLAMA_CPP names the
 * folder of its package.json.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The parts of node-llama-cpp used here. */
export interface Llama {
  loadModel(options: object): Promise<LlamaModel>;
  dispose(): Promise<void>;
}

interface LlamaModel {
  createContext(options: object): Promise<{
    getSequence(): {
      clearHistory(): Promise<void>;
      evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
    };
    dispose(): Promise<void>;
  }>;
  dispose(): Promise<void>;
}

export async function openLlama(): Promise<Llama | undefined> {
  const from = process.env['ALICE_LLAMA_CPP'] ?? import.meta.dirname;
  try {
    const path = createRequire(join(from, 'package.json')).resolve('node-llama-cpp');
    const binding = (await import(pathToFileURL(path).href)) as { getLlama(options: object): Promise<Llama> };
    return await binding.getLlama({ gpu: false, build: 'never', progressLogs: false, logLevel: 'error' });
  } catch {
    return undefined;
  }
}

/**
 * Tokens a second with each number of threads, as functions to be measured in turn: each reads the prompt and times
 * `newTokens` tokens after it.
 */
export async function openLlamaRates(
  llama: Llama,
  {
    path,
    prompt,
    newTokens,
    threads,
  }: { path: string; prompt: readonly number[]; newTokens: number; threads: readonly number[] },
): Promise<{ rates: (() => Promise<number>)[]; close: () => Promise<void> }> {
  const model = await llama.loadModel({ modelPath: path });
  const contexts = await Promise.all(
    threads.map((count) => model.createContext({ contextSize: 128, threads: count })),
  );
  const rates = contexts.map((context) => {
    const sequence = context.getSequence();
    return async () => {
      await sequence.clearHistory();
      let made = 0;
      let startMs = 0;
      for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
        if (made === 0) startMs = performance.now(); // the prompt is read
        if (++made > newTokens) break;
      }
      return (1000 * (made - 1)) / (performance.now() - startMs);
    };
  });
  const close = async (): Promise<void> => {
    for (const context of contexts) await context.dispose();
    await model.dispose();
  };
  return { rates, close };
}

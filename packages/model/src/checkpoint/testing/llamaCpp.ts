/**
 * @file llama.cpp through `node-llama-cpp`, where somebody installed it: it is not a dependency, because its install
 * step brings 700 MB of binaries for graphics cards. ALICE_LLAMA_CPP names the folder it was installed in.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface LlamaCppModel {
  tokenize(text: string): number[];
  /** Logits after each token, each V long, in FP32 all the way. */
  logits(tokens: readonly number[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** The parts of node-llama-cpp used here. */
interface Binding {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      tokenize(text: string, special: boolean, trim: string): number[];
      createContext(options: object): Promise<{
        getSequence(): {
          controlledEvaluate(
            input: readonly (readonly [number, object])[],
          ): Promise<readonly { next: { logits: ReadonlyMap<number, number> } }[]>;
        };
      }>;
    }>;
    dispose(): Promise<void>;
  }>;
}

/** Opens a GGUF file, or gives `undefined` where node-llama-cpp is not installed. */
export async function openInLlamaCpp(
  path: string,
  contextTokens: number,
): Promise<LlamaCppModel | undefined> {
  const binding = await loadBinding();
  if (!binding) return undefined;
  const llama = await binding.getLlama({
    gpu: false,
    build: 'never',
    progressLogs: false,
    logLevel: 'error',
  });
  const model = await llama.loadModel({ modelPath: path });
  const exact = {
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
    flashAttention: false,
  };
  const context = await model.createContext({ contextSize: contextTokens, threads: 2, ...exact });
  const sequence = context.getSequence();
  return {
    tokenize: (text) => model.tokenize(text, false, 'trimLeadingSpace'),
    async logits(tokens) {
      const wish = { generateNext: { logits: true, options: { temperature: 0 } } };
      const answers = await sequence.controlledEvaluate(tokens.map((token) => [token, wish] as const));
      return answers.map(({ next }) =>
        Float32Array.from([...next.logits].sort(([a], [b]) => a - b).map(([, logit]) => logit)),
      );
    },
    close: () => llama.dispose(),
  };
}

async function loadBinding(): Promise<Binding | undefined> {
  const from = process.env['ALICE_LLAMA_CPP'] ?? import.meta.dirname;
  try {
    const path = createRequire(join(from, 'package.json')).resolve('node-llama-cpp');
    return (await import(pathToFileURL(path).href)) as Binding;
  } catch {
    return undefined;
  }
}

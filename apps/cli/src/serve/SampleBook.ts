/**
 * @file What versions of a model wrote to the same few beginnings, so that a reader sees it learn. Versions are sampled
 * ever more rarely (each half as old again as the last), so a long run costs a few texts. Kept in one JSON file.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ModelCard } from './ModelCard.js';

export const SAMPLE_PROMPTS = ['The ', 'Once upon a time', 'In the morning, she'] as const;
/** Words a base model chooses freely, but the same for the same weights. */
export const SAMPLE_SAMPLING = {
  ...{ maxTokens: 48, minTokens: 0, temperature: 0.7, topP: 0.95, topK: 40, seed: 1, stop: [] },
} as const;

export interface Sample {
  readonly version: number;
  readonly stateRoot: string;
  readonly createdAtMs: number;
  /** One for each prompt. */
  readonly texts: readonly string[];
}

interface Stored {
  readonly format: 'alice-samples-1';
  readonly prompts: readonly string[];
  readonly samples: readonly Sample[];
}

const GROWTH = 1.5;
const MAX_SAMPLES = 64;

export class SampleBook {
  readonly #path: string | undefined;
  #samples: readonly Sample[] = [];

  /** Without a path it remembers only while it lives. A damaged file is begun anew: it holds nothing of value. */
  constructor(path: string | undefined) {
    this.#path = path;
    if (path !== undefined) this.#samples = readSamples(path);
  }

  /** Whether this version is due. */
  isDue(version: number): boolean {
    const last = this.#samples.at(-1)?.version;
    return last === undefined || version >= Math.max(last + 1, Math.ceil(last * GROWTH));
  }

  add({ version, stateRoot, createdAtMs }: ModelCard, texts: readonly string[]): void {
    if (version === undefined || stateRoot === undefined || !this.isDue(version)) return;
    this.#samples = [...this.#samples, { version, stateRoot, createdAtMs, texts }].slice(-MAX_SAMPLES);
    if (this.#path !== undefined) write(this.#path, this.message());
  }

  message(): Stored {
    return { format: 'alice-samples-1', prompts: SAMPLE_PROMPTS, samples: this.#samples };
  }
}

function readSamples(path: string): readonly Sample[] {
  try {
    const { format, prompts, samples } = JSON.parse(readFileSync(path, 'utf8')) as Stored;
    const isSame = format === 'alice-samples-1' && prompts.join('\n') === SAMPLE_PROMPTS.join('\n');
    return isSame ? samples : [];
  } catch {
    return [];
  }
}

function write(path: string, book: Stored): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, JSON.stringify(book));
  renameSync(`${path}.tmp`, path);
}

/**
 * @file Makes the parts of a source's files on several threads, in order of the files, until enough tokens are there.
 * Parts that exist already are taken as they are.
 */

import { SPLITS } from '../manifest.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { type PartSummary, partFiles, readPartSummary } from './PartFiles.js';
import type { PartMaker } from './partWorkers.js';
import type { BySplit } from './selectDocuments.js';

export interface MakePartsOptions {
  readonly workDir: string;
  readonly files: readonly ListedFile[];
  readonly makers: readonly PartMaker[];
  /** The most tokens of each split that can be used. */
  readonly mostTokens: BySplit | null;
  /** Under `refuse` a part with faults is made again, so that its first fault is told. */
  readonly onInvalid: 'refuse' | 'skip';
  /** Called with each part that is found complete. */
  readonly onFound: (summary: PartSummary) => void;
}

/** The parts so far: always an unbroken row from the first file on. */
export class Parts {
  readonly summaries: PartSummary[] = [];
  readonly #options: MakePartsOptions;
  readonly #made = new Map<number, PartSummary>();
  readonly #tokens = { train: 0, validation: 0, audit: 0 };
  #next = 0;

  constructor(options: MakePartsOptions) {
    this.#options = options;
  }

  get isComplete(): boolean {
    return this.summaries.length === this.#options.files.length;
  }

  /** Makes at least `more` parts (if there are files), and goes on until the splits can be full. */
  async make(more: number): Promise<void> {
    const least = Math.min(this.#options.files.length, this.summaries.length + more);
    const failed = new AbortController();
    const lanes = this.#options.makers.map(async (maker) => {
      while (!failed.signal.aborted && this.#next < this.#options.files.length && !this.#isEnough(least)) {
        const index = this.#next++;
        await this.#makeOne(index, maker).catch((error) => {
          // The others stop after the file they are at; what they finish is kept.
          failed.abort();
          throw error;
        });
      }
    });
    // The first failure counts, but nothing may still be writing when the caller hears of it.
    const outcomes = await Promise.allSettled(lanes);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #makeOne(index: number, maker: PartMaker): Promise<void> {
    const file = this.#options.files[index]!;
    const { workDir, onInvalid } = this.#options;
    const kept = readPartSummary(partFiles(workDir, file));
    const found = onInvalid === 'refuse' && (kept?.faultCount ?? 0) > 0 ? null : kept;
    if (found !== null) this.#options.onFound(found);
    this.#made.set(index, found ?? (await maker.make(file)));
    for (
      let summary = this.#made.get(this.summaries.length);
      summary;
      summary = this.#made.get(this.summaries.length)
    ) {
      this.#made.delete(this.summaries.length);
      this.summaries.push(summary);
      for (const split of SPLITS) this.#tokens[split] += summary.tokens[split];
    }
  }

  #isEnough(least: number): boolean {
    const { mostTokens } = this.#options;
    if (mostTokens === null || this.summaries.length < least) return false;
    return SPLITS.every((split) => this.#tokens[split] >= mostTokens[split]);
  }
}

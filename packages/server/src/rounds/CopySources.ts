/**
 * @file The submissions that a new one may be a copy of: the index of their sketches, and what of them has not been indexed
 * yet. All are read when a version or a round is new; after that only what has come since, since under load there are
 * looks by the dozen in a second and thousands of submissions in a round. Memory only: a new leader reads all again.
 */
import { errorCodeOf, type HashHex } from '@alice/protocol';
import { CopyIndex, type IndexSketch } from '@alice/training';
import type { Compute } from '../compute/Compute.js';
import type { Queryable } from '../database/Database.js';
import {
  type CopySource,
  copySources,
  copySourcesAmong,
  missingSequences,
  newCopySources,
  type SubmissionRow,
} from '../state/submissions.js';

/**
 * Numbers are given before rows are committed, so that a lower one may appear after a higher one. One that stays away for
 * as long belongs to a transaction that failed.
 */
const LATEST_MS = 120_000;

/** Codes of a blob that cannot be read as a submission, now or later. */
const DAMAGED = /^(BLOB|WIRE|DELTA)_/;

export interface CopyPorts {
  readonly db: Queryable;
  readonly now: () => number;
  readonly compute: Pick<Compute, 'sketch'>;
}

type Waiting = Pick<CopySource, 'submission_id' | 'blob_hash' | 'sequence'>;

export class CopySources {
  readonly #ports: CopyPorts;
  readonly #index: CopyIndex;
  /** In order of arrival. */
  #waiting: Waiting[] = [];
  #version = Number.NaN;
  #rounds: ReadonlySet<number> = new Set();
  #highest = 0;
  /** Numbers below the highest whose rows have not been seen, and when they were first missed. */
  #missing = new Map<number, number>();

  /** `secret`: see `CopyIndex`. */
  constructor(ports: CopyPorts, secret: string) {
    this.#ports = ports;
    this.#index = new CopyIndex(secret);
  }

  /** Reads what is new for a look at submissions of these rounds while the model is at `version`. */
  async refresh(version: number, rounds: readonly number[]): Promise<void> {
    const isKnown = version === this.#version && rounds.every((round) => this.#rounds.has(round));
    await (isKnown ? this.#readNew() : this.#readAll(version, rounds));
  }

  /** Submissions before this one that it may be a copy of, as they are now, in order of arrival. */
  async candidates(row: Pick<SubmissionRow, 'blob_hash' | 'sequence' | 'round'>): Promise<CopySource[]> {
    for (let next = this.#waiting[0]; next && next.sequence < row.sequence; next = this.#waiting[0]) {
      await this.#add(next);
      this.#waiting.shift();
    }
    const own = await this.#sketch(row.blob_hash);
    const named = own ? this.#index.candidates(own) : [];
    const found = await copySourcesAmong(this.#ports.db, [...named], row.round);
    return found.filter(({ sequence }) => sequence < row.sequence);
  }

  async #add({ submission_id, blob_hash }: Waiting): Promise<void> {
    if (this.#index.has(submission_id)) return;
    const sketch = await this.#sketch(blob_hash);
    if (sketch) this.#index.add(submission_id, sketch);
  }

  async #readAll(version: number, rounds: readonly number[]): Promise<void> {
    const { db, now } = this.#ports;
    const { highest, missing } = await missingSequences(db);
    const all = await copySources(db, rounds);
    this.#index.keep(new Set(all.map(({ submission_id }) => submission_id)));
    this.#waiting = all;
    this.#highest = highest;
    this.#missing = new Map(missing.map((sequence) => [sequence, now()]));
    this.#version = version;
    this.#rounds = new Set(rounds);
  }

  async #readNew(): Promise<void> {
    const { db, now } = this.#ports;
    const rows = await newCopySources(db, { above: this.#highest, among: [...this.#missing.keys()] });
    for (const { sequence } of rows) {
      this.#missing.delete(sequence);
      for (let skipped = this.#highest + 1; skipped < sequence; skipped++) this.#missing.set(skipped, now());
      this.#highest = Math.max(this.#highest, sequence);
    }
    for (const [sequence, sinceMs] of this.#missing)
      if (now() - sinceMs > LATEST_MS) this.#missing.delete(sequence);
    const come = rows.filter(({ mayBeCopied }) => mayBeCopied);
    if (come.length > 0) this.#waiting = [...this.#waiting, ...come].sort((a, b) => a.sequence - b.sequence);
  }

  /** A submission whose blob is damaged cannot be compared with; its own fold will say so. */
  async #sketch(blobHash: HashHex): Promise<IndexSketch | undefined> {
    try {
      return await this.#ports.compute.sketch(blobHash);
    } catch (error) {
      if (DAMAGED.test(errorCodeOf(error) ?? '')) return undefined;
      throw error;
    }
  }
}

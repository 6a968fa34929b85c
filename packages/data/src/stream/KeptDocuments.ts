/**
 * @file The chosen documents of parts, part after part, each with a way to read its tokens. They are read forwards through a
 * window of memory that is used for one part after the other.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { bytesOf } from '@alice/protocol';
import { bytesToTokens } from '../shardBytes.js';
import type { Bits } from './findDuplicates.js';
import { type DocumentRecord, type PartName, readRecords } from './PartFiles.js';

const WINDOW_TOKENS = 1 << 20;
const IS_LITTLE = endianness() === 'LE';

export interface KeptDocument extends DocumentRecord {
  /** Its tokens [from, from + count), good until the next call. */
  readonly read: (from: number, count: number) => Promise<Uint16Array>;
}

export class KeptDocuments {
  readonly #kept: Pick<Bits, 'has'>;
  readonly #tokens = new PartTokens();
  #number = 0;

  /** `kept`: numbers over all parts, in the order in which `of` is called. */
  constructor(kept: Pick<Bits, 'has'>) {
    this.#kept = kept;
  }

  /** Those of the next part. */
  async *of(name: PartName): AsyncGenerator<KeptDocument> {
    this.#tokens.begin(name);
    try {
      for await (const record of readRecords(name)) {
        const first = this.#tokens.next(record.tokens);
        if (!this.#kept.has(this.#number++)) continue;
        yield { ...record, read: (from, count) => this.#tokens.read(first + from, count) };
      }
    } finally {
      await this.#tokens.close();
    }
  }
}

class PartTokens {
  #name: PartName | null = null;
  #handle: FileHandle | null = null;
  #end = 0;
  #window = new Uint16Array(WINDOW_TOKENS);
  #filled = 0;
  #windowFrom = 0;

  begin(name: PartName): void {
    this.#name = name;
    this.#end = 0;
    this.#filled = 0;
  }

  /** Where the next document's tokens begin. */
  next(tokens: number): number {
    this.#end += tokens;
    return this.#end - tokens;
  }

  async read(from: number, count: number): Promise<Uint16Array<ArrayBuffer>> {
    const at = from - this.#windowFrom;
    if (at < 0 || at + count > this.#filled) {
      await this.#load(from, count);
      return this.#window.subarray(0, count);
    }
    return this.#window.subarray(at, at + count);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  /** Fills the window from a token on. */
  async #load(from: number, needed: number): Promise<void> {
    this.#handle ??= await open(this.#name!('tokens'), 'r');
    if (this.#window.length < needed) this.#window = new Uint16Array(needed);
    const bytes = bytesOf(this.#window);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, 2 * from + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    if (done < 2 * needed) throw new Error('cannot happen: a part has as many tokens as its records say');
    // A no-op on little-endian machines: the bytes are the tokens.
    if (!IS_LITTLE) this.#window.set(bytesToTokens(bytes));
    this.#windowFrom = from;
    this.#filled = Math.floor(done / 2);
  }
}

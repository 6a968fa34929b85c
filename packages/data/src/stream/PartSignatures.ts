/** @file The signatures of all documents of some parts, in order and by number, read from the parts' files. */
import { type FileHandle, open } from 'node:fs/promises';
import { SPLITS } from '../manifest.js';
import { SIGNATURE_BYTES } from '../near/documentSignature.js';
import type { SignedDocument, SignedDocuments } from '../near/findNearDuplicates.js';
import { type PartName, readRecords } from './PartFiles.js';

/** Files kept open for single signatures. */
const OPEN_FILES = 32;
const PIECE = 1024;

export class PartSignatures implements SignedDocuments {
  readonly count: number;
  readonly #parts: readonly { readonly name: PartName; readonly documents: number }[];
  /** Number of the first document of each part. */
  readonly #firsts: number[] = [];
  readonly #open = new Map<number, Promise<FileHandle>>();

  constructor(parts: readonly { readonly name: PartName; readonly documents: number }[]) {
    this.#parts = parts;
    let count = 0;
    for (const { documents } of parts) {
      this.#firsts.push(count);
      count += documents;
    }
    this.count = count;
  }

  async *read(): AsyncGenerator<SignedDocument> {
    let number = 0;
    for (const { name } of this.#parts) {
      const handle = await open(name('signatures'), 'r');
      try {
        const piece = Buffer.alloc(PIECE * SIGNATURE_BYTES);
        let index = 0;
        for await (const { split } of readRecords(name)) {
          const at = (index % PIECE) * SIGNATURE_BYTES;
          if (at === 0) await readAll(handle, piece, index * SIGNATURE_BYTES);
          yield {
            number: number++,
            signature: piece.subarray(at, at + SIGNATURE_BYTES),
            split: SPLITS.indexOf(split),
          };
          index++;
        }
      } finally {
        await handle.close();
      }
    }
  }

  async signature(number: number): Promise<Uint8Array> {
    const part = this.#partOf(number);
    const bytes = Buffer.alloc(SIGNATURE_BYTES);
    await readAll(await this.#handle(part), bytes, (number - this.#firsts[part]!) * SIGNATURE_BYTES);
    return bytes;
  }

  async close(): Promise<void> {
    for (const handle of this.#open.values()) await (await handle).close();
    this.#open.clear();
  }

  async #handle(part: number): Promise<FileHandle> {
    const found = this.#open.get(part) ?? open(this.#parts[part]!.name('signatures'), 'r');
    this.#open.delete(part);
    this.#open.set(part, found);
    if (this.#open.size > OPEN_FILES) {
      const [oldest, handle] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      await (await handle).close();
    }
    return found;
  }

  /** The last part whose first document is not after `number`. */
  #partOf(number: number): number {
    let [low, high] = [0, this.#firsts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#firsts[middle]! <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Fills `into` from a place of the file; at its end, as much as there is. */
async function readAll(handle: FileHandle, into: Buffer, from: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, from + done);
    if (bytesRead === 0) return;
    done += bytesRead;
  }
}

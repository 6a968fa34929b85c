/**
 * @file What tokenising one source file leaves on disk, the checkpoint of a streamed build: the tokens of its documents
 * (2 bytes each, separators included), a record and (if wanted) a signature per document, and a summary. The summary is written last: a part with a
 * summary is complete, one without is begun again.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf } from '@alice/protocol';
import type { SourceFault } from '../datasetFields.js';
import { SPLITS, type Split } from '../manifest.js';
import { tokensToBytes } from '../shardBytes.js';
import { TEMPORARY_ENDING, writeFileAtomically } from '../writeFileAtomically.js';
import { BufferedFile } from './BufferedFile.js';

export interface PartSummary {
  readonly path: string;
  /** Of the listed file: a changed one makes another part. */
  readonly version: string;
  /** Stored bytes read and their hash. */
  readonly bytes: number;
  readonly sha256: `0x${string}`;
  readonly documents: number;
  /** Tokens of each split, duplicates within and without the file included. */
  readonly tokens: Readonly<Record<Split, number>>;
  readonly faultCount: number;
  /** The first faults. */
  readonly faults: readonly SourceFault[];
}

export interface DocumentRecord {
  /** 16 bytes. */
  readonly fingerprint: Buffer;
  readonly tokens: number;
  readonly split: Split;
  readonly from: number;
  readonly to: number;
}

/** fingerprint 16 ‖ tokens 4 ‖ split 1 ‖ from 6 ‖ to 6, little endian. */
const RECORD_BYTES = 33;
const READ_BYTES = 1 << 18;

export type PartName = (kind: 'tokens' | 'documents' | 'signatures' | 'json') => string;

/** Names of the files of a source file's part in a work folder; a changed file gets another part. */
export function partFiles(workDir: string, { path, version }: { path: string; version: string }): PartName {
  const key = createHash('sha256')
    .update(JSON.stringify([path, version]))
    .digest('hex')
    .slice(0, 24);
  return (kind) => join(workDir, `part-${key}.${kind}`);
}

/** Null when the part is not complete. A power failure can leave a summary whose other files never reached the disk. */
export function readPartSummary(name: PartName): PartSummary | null {
  let summary: PartSummary;
  try {
    summary = JSON.parse(readFileSync(name('json'), 'utf8')) as PartSummary;
  } catch (error) {
    if (error instanceof SyntaxError || errorCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
  const tokens = SPLITS.reduce((sum, split) => sum + summary.tokens[split], 0);
  const isWhole =
    sizeOf(name('tokens')) === 2 * tokens && sizeOf(name('documents')) === RECORD_BYTES * summary.documents;
  return isWhole ? summary : null;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** The records of a part in order. Cost: 33 bytes a document, read in pieces. */
export async function* readRecords(name: PartName): AsyncGenerator<DocumentRecord> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(name('documents'), {
    highWaterMark: READ_BYTES,
  }) as AsyncIterable<Buffer>) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    for (; at + RECORD_BYTES <= pending.length; at += RECORD_BYTES)
      yield {
        fingerprint: pending.subarray(at, at + 16),
        tokens: pending.readUInt32LE(at + 16),
        split: SPLITS[pending[at + 20]!]!,
        from: pending.readUIntLE(at + 21, 6),
        to: pending.readUIntLE(at + 27, 6),
      };
    pending = pending.subarray(at);
  }
}

const CONTENTS = ['tokens', 'documents', 'signatures'] as const;
type Content = (typeof CONTENTS)[number];

/** What a part keeps of one document. */
export interface MadeDocument {
  /** Places in the source file. */
  readonly from: number;
  readonly to: number;
  readonly fingerprint: Buffer;
  readonly split: Split;
  /** Of a text, with the separator at the end; of a conversation, all that is kept of it. */
  readonly tokens: Uint16Array;
  /** Null when near-duplicates are not looked for. */
  readonly signature: Uint8Array | null;
}

/** Writes a part; its files have temporary names until `finish`. */
export class PartWriter {
  readonly #name: PartName;
  readonly #files: Readonly<Record<Content, BufferedFile>>;
  readonly #record = Buffer.alloc(RECORD_BYTES);

  private constructor(name: PartName, files: Readonly<Record<Content, BufferedFile>>) {
    this.#name = name;
    this.#files = files;
  }

  static async create(name: PartName): Promise<PartWriter> {
    const [tokens, documents, signatures] = await Promise.all(
      CONTENTS.map((kind) => BufferedFile.create(name(kind) + TEMPORARY_ENDING)),
    );
    return new PartWriter(name, { tokens: tokens!, documents: documents!, signatures: signatures! });
  }

  async append({ from, to, fingerprint, split, tokens, signature }: MadeDocument): Promise<void> {
    const record = this.#record;
    fingerprint.copy(record);
    record.writeUInt32LE(tokens.length, 16);
    record[20] = SPLITS.indexOf(split);
    record.writeUIntLE(from, 21, 6);
    record.writeUIntLE(to, 27, 6);
    await this.#files.tokens.append(tokensToBytes(tokens));
    await this.#files.documents.append(record);
    if (signature !== null) await this.#files.signatures.append(signature);
  }

  async finish(summary: PartSummary): Promise<void> {
    for (const kind of CONTENTS) await this.#files[kind].end();
    for (const kind of CONTENTS) await rename(this.#name(kind) + TEMPORARY_ENDING, this.#name(kind));
    await writeFileAtomically(this.#name('json'), JSON.stringify(summary));
  }

  /** After a failure: nothing of the part remains. */
  async discard(): Promise<void> {
    for (const kind of CONTENTS) {
      await this.#files[kind].close().catch(() => undefined);
      await rm(this.#name(kind) + TEMPORARY_ENDING, { force: true });
    }
  }
}

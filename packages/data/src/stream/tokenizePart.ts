/**
 * @file One source file → one part: read, unpack, clean, fingerprint, assign to a split, tokenise, write. A pure function
 * of the file's content and the job; runs in a worker thread or on the main one alike. Memory does not grow with the
 * file (a parquet row group excepted).
 */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { DataError } from '../errors.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { versionOnDisk } from '../sources/listSource.js';
import { ReadAccount, storedBytes } from '../sources/openBytes.js';
import type { WebAccess } from '../sources/remote/fetchWithRetries.js';
import { downloadPart } from './downloadPart.js';
import { FaultList } from './FaultList.js';
import { type PartName, type PartSummary, PartWriter } from './PartFiles.js';
import { type PartJob, piecesOf } from './PartJob.js';

const REPORT_EVERY_BYTES = 1 << 20;

export interface PartWork {
  readonly file: ListedFile;
  readonly name: PartName;
  readonly job: PartJob;
  readonly tokenizer: ShardTokenizer;
  readonly access: WebAccess;
  /** Stored bytes read, bytes of text and tokens made since the last call. */
  readonly onProgress: (added: PartProgress) => void;
}

export interface PartProgress {
  readonly bytes: number;
  readonly textBytes: number;
  readonly tokens: number;
  readonly documents: number;
}

/** Throws `SOURCE_CHANGED`, the network's codes, and under `refuse` the first fault. */
export async function tokenizePart(work: PartWork): Promise<PartSummary> {
  const { file, name, tokenizer, access } = work;
  const { settings } = work.job;
  const isRemoteParquet = file.format === 'parquet' && file.location.at === 'web';
  // A published hash stands for content that is read in pieces; without one, all of the file must be seen to know it.
  const published = isRemoteParquet && file.bytes >= 0 ? file.sha256 : null;
  const isCopied = isRemoteParquet && published === null;
  const localCopy = isCopied ? await downloadPart(file, name, access) : undefined;
  const writer = await PartWriter.create(name);
  try {
    const counts = { documents: 0, tokens: { train: 0, validation: 0, audit: 0 } };
    const faults = new FaultList(settings.onInvalid);
    const meter = new Meter(work.onProgress);
    const account = new ReadAccount((bytes) => meter.add({ bytes }));
    const pieces = piecesOf(work.job, {
      file,
      tokenizer,
      access,
      account,
      lineLimitBytes: settings.lineLimitBytes,
      onFault: (fault) => faults.add(fault),
      onParquetBytes: (bytes) => meter.add({ bytes }),
      ...(localCopy === undefined ? {} : { localCopy }),
    });
    for await (const piece of pieces) {
      await writer.append(piece);
      counts.documents++;
      counts.tokens[piece.split] += piece.tokens.length;
      meter.add({ textBytes: piece.textBytes, tokens: piece.tokens.length, documents: 1 });
    }
    if (file.format === 'parquet' && published === null)
      await hashFile(localCopy ?? file.location.address, account);
    meter.report();
    const whole = faults.hasBreak && file.format !== 'parquet' ? await wholeAccount(work) : account;
    const read =
      published === null
        ? { bytes: whole.bytes, sha256: whole.sha256() }
        : { bytes: file.bytes, sha256: published };
    await checkUnchanged(file, read);
    const summary = {
      path: file.path,
      version: file.version,
      ...read,
      ...counts,
      faultCount: faults.count,
      faults: faults.listed,
    };
    await writer.finish(summary);
    if (localCopy !== undefined) await rm(localCopy, { force: true });
    return summary;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Collects small additions into few calls. */
class Meter {
  readonly #report: (added: PartProgress) => void;
  #sum = { bytes: 0, textBytes: 0, tokens: 0, documents: 0 };

  constructor(report: (added: PartProgress) => void) {
    this.#report = report;
  }

  add(more: Partial<PartProgress>): void {
    for (const [key, value] of Object.entries(more)) this.#sum[key as keyof PartProgress] += value;
    if (this.#sum.bytes + this.#sum.textBytes >= REPORT_EVERY_BYTES) this.report();
  }

  report(): void {
    this.#report(this.#sum);
    this.#sum = { bytes: 0, textBytes: 0, tokens: 0, documents: 0 };
  }
}

async function hashFile(address: string, account: ReadAccount): Promise<void> {
  for await (const chunk of createReadStream(address, { highWaterMark: 1 << 20 }))
    account.add(chunk as Buffer);
}

/** Reading stopped where the file is broken; its hash is still that of the whole file. */
async function wholeAccount({ file, access }: PartWork): Promise<ReadAccount> {
  const account = new ReadAccount();
  for await (const chunk of storedBytes(file, access)) account.add(chunk);
  return account;
}

/** What was read must be what was listed. Throws `SOURCE_CHANGED`. */
async function checkUnchanged(file: ListedFile, read: { bytes: number; sha256: string }): Promise<void> {
  const isOther =
    (file.bytes >= 0 && file.bytes !== read.bytes) || (file.sha256 !== null && file.sha256 !== read.sha256);
  if (
    !isOther &&
    (file.location.at === 'web' || file.version === (await versionOnDisk(file.location.address)))
  )
    return;
  throw new DataError(
    { code: 'SOURCE_CHANGED', path: file.path },
    `${file.path} is not what was listed (${read.bytes} bytes of ${file.bytes}): it changed, or it arrived damaged. ` +
      'Run the same command again',
  );
}

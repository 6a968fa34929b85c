/**
 * @file One source file → one part: read, unpack, clean, fingerprint, assign to a split, tokenise, write. A pure function
 * of the file's content and the settings; runs in a worker thread or on the main one alike. Memory does not grow with
 * the file (a parquet row group excepted).
 */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { DataError } from '../errors.js';
import type { SourceFault, Split } from '../manifest.js';
import type { ShardTokenizer } from '../shardTokenizer.js';
import type { ListedFile } from '../sources/ListedFile.js';
import { versionOnDisk } from '../sources/listSource.js';
import { ReadAccount, storedBytes } from '../sources/openBytes.js';
import type { WebAccess } from '../sources/remote/fetchWithRetries.js';
import { type SourceDocument, streamDocuments } from '../sources/streamDocuments.js';
import { downloadPart } from './downloadPart.js';
import { type PartName, type PartSummary, PartWriter } from './PartFiles.js';
import type { StreamSettings } from './settings.js';
import { fingerprintOf, splitOf } from './splitOf.js';

const LISTED_FAULTS = 100;
const REPORT_EVERY_BYTES = 1 << 20;

export interface PartWork {
  readonly file: ListedFile;
  readonly name: PartName;
  readonly settings: StreamSettings;
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
  const { file, name, settings } = work;
  const isCopied = file.format === 'parquet' && file.location.at === 'web';
  const localCopy = isCopied ? await downloadPart(file, name, work.access) : undefined;
  const writer = await PartWriter.create(name);
  try {
    const counts = { documents: 0, tokens: { train: 0, validation: 0, audit: 0 } };
    const faults = new FaultList(settings.onInvalid);
    const meter = new Meter(work.onProgress);
    const account = new ReadAccount((bytes) => meter.add({ bytes }));
    const documents = streamDocuments(file, {
      ...settings,
      account,
      access: work.access,
      onFault: (fault) => faults.add(fault),
      ...(localCopy === undefined ? {} : { localCopy }),
    });
    for await (const batch of documents)
      for (const document of batch) {
        const made = tokensOf(document, work);
        await writer.append(document, made);
        counts.documents++;
        counts.tokens[made.split] += made.tokens.length;
        meter.add({ textBytes: Buffer.byteLength(document.text), tokens: made.tokens.length, documents: 1 });
      }
    if (file.format === 'parquet') await hashFile(localCopy ?? file.location.address, account);
    meter.report();
    const whole = faults.hasBreak && file.format !== 'parquet' ? await wholeAccount(work) : account;
    const read = { bytes: whole.bytes, sha256: whole.sha256() };
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

function tokensOf(
  { text }: SourceDocument,
  { tokenizer, settings }: PartWork,
): { fingerprint: Buffer; split: Split; tokens: Uint16Array } {
  const fingerprint = fingerprintOf(text);
  const encoded = tokenizer.encode(text);
  const tokens = new Uint16Array(encoded.length + 1);
  tokens.set(encoded);
  tokens[encoded.length] = tokenizer.separator;
  return { fingerprint, split: splitOf(fingerprint, settings), tokens };
}

/** Faults of one file: stops at the first, or keeps the first hundred and counts all. */
class FaultList {
  readonly listed: SourceFault[] = [];
  count = 0;
  /** Whether reading ended before the file did. */
  hasBreak = false;
  readonly #onInvalid: StreamSettings['onInvalid'];

  constructor(onInvalid: StreamSettings['onInvalid']) {
    this.#onInvalid = onInvalid;
  }

  add(fault: DataError): void {
    if (this.#onInvalid === 'refuse') throw fault;
    this.count++;
    const { info } = fault;
    const byteOffset = 'byteOffset' in info ? (info.byteOffset ?? 0) : 0;
    if (info.code !== 'JSON_LINE_INVALID') this.hasBreak = true;
    if (this.listed.length < LISTED_FAULTS) this.listed.push({ code: info.code, offset: byteOffset });
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

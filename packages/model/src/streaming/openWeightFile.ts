/**
 * @file A file of weights as a source: the flat vector in layout order, little-endian FP32 or FP16, and nothing else, or
 * with page hashes that every read is checked by (weightPages.ts). A
 * worker thread reads the range that comes next while the current one is computed with; memory goes to and fro between
 * the two threads without being copied, and never more than two ranges are held. Node only.
 */
import { messageOf, type TensorLayout } from '@alice/protocol';
import { CheckpointError } from '../checkpoint/checkpointError.js';
import { ModelError } from '../errors.js';
import type { PageReaderData, PageReply, PageRequest } from './pageReader.js';
import { checkRange, type StoredWeights, type WeightRange, type WeightSource } from './WeightSource.js';

const BYTES = { float32: 4, float16: 2 } as const;
/** Memory kept for the next reads: one range in use, one on its way. */
const MAX_SPARE = 2;

/** Opens the file. Throws `WEIGHTS_FILE` if it cannot be read or does not hold whole elements. */
export async function openWeightFile(path: string, dtype: WeightSource['dtype']): Promise<WeightSource> {
  const size = (await sizeBytesOf(path)) / BYTES[dtype];
  if (!Number.isInteger(size)) throw unusable(path, `its length is not a multiple of ${BYTES[dtype]} bytes`);
  return new WeightFile(await startReader({ path, dataFrom: 0 }), { path, dtype, size });
}

/**
 * Opens a file of `writeWeightPages`. Throws `CHECKPOINT_*`; reads throw `CHECKPOINT_HASH_MISMATCH` naming the file and
 * the tensor that is damaged. Cost: reading somewhat more than asked, and one SHA-256 of it, in the reader's thread.
 */
export async function openWeightPages(path: string, layout: TensorLayout): Promise<WeightSource> {
  const { openSafetensors } = await import('../checkpoint/safetensorsFile.js');
  const { weightPages } = await import('./weightPages.js');
  const file = await openSafetensors(path);
  await file.close();
  const { dtype, dataFrom, dataBytes, hashes } = weightPages(path, file, layout);
  const reader = await startReader({ path, dataFrom, pages: { dataBytes, hashes } });
  const kind = dtype === 'F32' ? 'float32' : 'float16';
  return new WeightFile(reader, { path, dtype: kind, size: layout.size, layout });
}

/**
 * Opens a file of nothing but halves, in layout order, whose page hashes (`PageHasher`) are kept elsewhere. Throws
 * `WEIGHTS_FILE`; reads throw `CHECKPOINT_HASH_MISMATCH`.
 */
export async function openHashedHalves(
  path: string,
  { layout, hashes }: { readonly layout: TensorLayout; readonly hashes: Uint8Array },
): Promise<WeightSource> {
  const [sizeBytes, dataBytes] = [await sizeBytesOf(path), BYTES.float16 * layout.size];
  if (sizeBytes !== dataBytes) throw unusable(path, `it has ${sizeBytes} bytes, the model ${dataBytes}`);
  const reader = await startReader({ path, dataFrom: 0, pages: { dataBytes, hashes } });
  return new WeightFile(reader, { path, dtype: 'float16', size: layout.size, layout });
}

async function startReader(workerData: PageReaderData): Promise<Reader> {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker(new URL('./pageReader.js', import.meta.url), { workerData });
  worker.unref();
  return worker;
}

interface Reader {
  postMessage(message: PageRequest, transfer: ArrayBuffer[]): void;
  on(event: 'message', listener: (reply: PageReply) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

interface Pending {
  readonly key: string;
  readonly buffer: Promise<ArrayBuffer>;
}

interface FileFacts {
  readonly path: string;
  readonly dtype: WeightSource['dtype'];
  readonly size: number;
  /** Where the file has page hashes: the tensors, to name the damaged one. */
  readonly layout?: TensorLayout;
}

class WeightFile implements WeightSource {
  readonly dtype: WeightSource['dtype'];
  readonly size: number;
  readonly #path: string;
  readonly #reader: Reader;
  readonly #waiting: { resolve(buffer: ArrayBuffer): void; reject(error: Error): void }[] = [];
  #spare: ArrayBuffer[] = [];
  #pending: Pending[] = [];
  #inUse: ArrayBuffer | undefined;
  #failure: Error | undefined;

  readonly #layout: TensorLayout | undefined;

  constructor(reader: Reader, about: FileFacts) {
    this.dtype = about.dtype;
    this.size = about.size;
    this.#path = about.path;
    this.#layout = about.layout;
    this.#reader = reader;
    reader.on('message', ({ buffer, problem, wrong }) => {
      const waiting = this.#waiting.shift(); // the reader answers in the order it is asked
      if (!waiting) return; // of before the file was closed
      if (this.#waiting.length === 0) reader.unref();
      if (wrong) waiting.reject(this.#damaged(wrong));
      else if (problem === undefined) waiting.resolve(buffer);
      else waiting.reject(unusable(this.#path, problem));
    });
    reader.on('error', (error) => this.#fail(unusable(this.#path, messageOf(error))));
  }

  prefetch(range: WeightRange): void {
    checkRange(range, this.size);
    if (this.#pending.some(({ key }) => key === keyOf(range))) return;
    const buffer = this.#request(range);
    buffer.catch(() => {}); // the read that asks for it will see the failure
    this.#pending.push({ key: keyOf(range), buffer });
  }

  async read(range: WeightRange): Promise<StoredWeights> {
    this.#recycle();
    this.prefetch(range);
    // What was brought before this range and is not wanted after all makes room.
    while (this.#pending[0]!.key !== keyOf(range)) this.#keep(await this.#pending.shift()!.buffer);
    const buffer = await this.#pending.shift()!.buffer;
    this.#inUse = buffer;
    return this.dtype === 'float32'
      ? new Float32Array(buffer, 0, range.size)
      : new Uint16Array(buffer, 0, range.size);
  }

  async close(): Promise<void> {
    this.#fail(unusable(this.#path, 'the file was closed'));
    await this.#reader.terminate();
  }

  #request(range: WeightRange): Promise<ArrayBuffer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const sizeBytes = range.size * BYTES[this.dtype];
    const buffer = this.#room(sizeBytes);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#reader.ref();
      this.#reader.postMessage({ buffer, from: range.offset * BYTES[this.dtype], sizeBytes }, [buffer]);
    });
  }

  /** Spare memory that is large enough, without wasting the half of it; else new. */
  #room(sizeBytes: number): ArrayBuffer {
    const at = this.#spare.findIndex(
      ({ byteLength }) => byteLength >= sizeBytes && byteLength <= 2 * sizeBytes,
    );
    if (at >= 0) return this.#spare.splice(at, 1)[0]!;
    return new ArrayBuffer(sizeBytes);
  }

  /** Names the first tensor of the page; a page may hold the ends of several. */
  #damaged({ from, expected, actual }: NonNullable<PageReply['wrong']>): CheckpointError {
    const element = from / BYTES[this.dtype];
    const tensor = this.#layout?.tensors.find(({ offset, size }) => offset + size > element)?.name ?? '';
    return new CheckpointError(
      { code: 'CHECKPOINT_HASH_MISMATCH', file: this.#path, tensor, expected, actual },
      `${this.#path}, a page that tensor "${tensor}" lies in is not what was written. Copy or write the file again`,
    );
  }

  #recycle(): void {
    if (this.#inUse) this.#keep(this.#inUse);
    this.#inUse = undefined;
  }

  #keep(buffer: ArrayBuffer): void {
    this.#spare = [buffer, ...this.#spare].slice(0, MAX_SPARE);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function keyOf({ offset, size }: WeightRange): string {
  return `${offset}+${size}`;
}

async function sizeBytesOf(path: string): Promise<number> {
  const { stat } = await import('node:fs/promises');
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw unusable(path, messageOf(cause));
  }
}

function unusable(path: string, problem: string): ModelError {
  return new ModelError(
    { code: 'WEIGHTS_FILE', path, problem },
    `the weight file ${path} cannot be used: ${problem}`,
  );
}

/**
 * @file The header of a safetensors file: eight bytes of length, then JSON that names type, shape and place of each
 * tensor. https://github.com/huggingface/safetensors#format . Reading is strict: tensors must lie one after another and
 * fill the file exactly. Invariant: what `encodeHeader` writes, `parseHeader` reads back.
 */
import { utf8 } from '@alice/protocol';
import { CheckpointError, corrupt, truncated } from './checkpointError.js';
import { elementBytes } from './elementTypes.js';

export interface StoredTensor {
  readonly name: string;
  readonly dtype: keyof typeof elementBytes;
  readonly shape: readonly number[];
  /** Place within the file. */
  readonly from: number;
  readonly sizeBytes: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their places. */
  readonly tensors: readonly StoredTensor[];
  readonly fileBytes: number;
}

export const LENGTH_BYTES = 8;
/** The format's own bound. */
const MAX_HEADER_BYTES = 100_000_000;
/** Data starts at a multiple of this, so that files can be mapped. */
const ALIGNMENT = 8;

type TensorShape = Pick<StoredTensor, 'name' | 'dtype' | 'shape'>;

/** Length and JSON of a file that holds the tensors in the given order. */
export function encodeHeader(
  tensors: readonly TensorShape[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = at + bytesOfShape(dtype, shape);
    entries[name] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  const json = utf8.encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(LENGTH_BYTES + padded).fill(0x20, LENGTH_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

/** The length of the JSON after the first eight bytes. Throws `CHECKPOINT_CORRUPT`, `CHECKPOINT_TRUNCATED`. */
export function headerLength(file: string, first: Uint8Array, fileBytes: number): number {
  const length = Number(new DataView(first.buffer, first.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES)
    throw corrupt(file, `a header of ${length} bytes is not a safetensors file's`);
  if (LENGTH_BYTES + length > fileBytes)
    throw truncated(file, { needBytes: LENGTH_BYTES + length, gotBytes: fileBytes });
  return length;
}

/**
 * Reads the JSON and checks it against the size of the file. Throws `CHECKPOINT_CORRUPT`, `CHECKPOINT_DTYPE_UNKNOWN`,
 * `CHECKPOINT_TRUNCATED` (naming the first tensor that is not whole).
 */
export function parseHeader(file: string, json: Uint8Array, fileBytes: number): SafetensorsHeader {
  const { __metadata__: metadata = {}, ...entries } = objectOf(file, json);
  if (!isTextMap(metadata)) throw corrupt(file, '__metadata__ is not a map of texts');
  const start = LENGTH_BYTES + json.length;
  const tensors = Object.entries(entries)
    .map(([name, entry]) => storedTensor({ file, name, entry, start }))
    .sort((a, b) => a.from - b.from || a.sizeBytes - b.sizeBytes);
  let at = start;
  for (const { name, from, sizeBytes } of tensors) {
    if (from !== at) throw corrupt(file, `it does not begin where the tensor before it ends`, name);
    at += sizeBytes;
    if (at > fileBytes) throw truncated(file, { needBytes: at, gotBytes: fileBytes, tensor: name });
  }
  if (at < fileBytes) throw corrupt(file, `${fileBytes - at} bytes follow the last tensor`);
  return { metadata, tensors, fileBytes };
}

function objectOf(file: string, json: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(utf8.decode(json));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // falls through to the one error below
  }
  throw corrupt(file, 'its header is not a JSON object');
}

function storedTensor(at: { file: string; name: string; entry: unknown; start: number }): StoredTensor {
  const { file, name, entry, start } = at;
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string') throw corrupt(file, 'it has no dtype', name);
  if (!isKnown(dtype))
    throw new CheckpointError(
      { code: 'CHECKPOINT_DTYPE_UNKNOWN', file, tensor: name, dtype },
      `${file}, tensor "${name}": this program reads ${Object.keys(elementBytes).join(', ')}, not ${dtype}`,
    );
  if (!isCounts(shape)) throw corrupt(file, 'its shape is not a list of whole numbers', name);
  if (!isCounts(offsets) || offsets.length !== 2) throw corrupt(file, 'its place is not two offsets', name);
  const [from, end] = offsets as [number, number];
  const sizeBytes = bytesOfShape(dtype, shape);
  if (end - from !== sizeBytes)
    throw corrupt(
      file,
      `it has ${end - from} bytes, its shape (${shape}) of ${dtype} needs ${sizeBytes}`,
      name,
    );
  return { name, dtype, shape, from: start + from, sizeBytes };
}

function isKnown(dtype: string): dtype is StoredTensor['dtype'] {
  return Object.hasOwn(elementBytes, dtype);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function isTextMap(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((v) => typeof v === 'string')
  );
}

function bytesOfShape(dtype: StoredTensor['dtype'], shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, elementBytes[dtype]);
}

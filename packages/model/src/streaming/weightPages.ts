/**
 * @file Weights on disk in hashed pages: a safetensors file of all tensors in layout order whose metadata (`pages`)
 * carries the SHA-256 of every 256 KiB of the data, so that any part of a model larger than memory is checked when it is
 * read. Each tensor's own hash is there as well (`sha256`): other programs, and `openCheckpoint`, read the file as it is.
 */
import { createHash } from 'node:crypto';
import { bytesOf, fromHalves, type TensorLayout, type TensorSpec } from '@alice/protocol';
import { corrupt } from '../checkpoint/checkpointError.js';
import { type StoredType, storedBytes } from '../checkpoint/elementTypes.js';
import type { WrittenFile } from '../checkpoint/nodeFiles.js';
import { type TensorToWrite, writeSafetensors } from '../checkpoint/safetensorsFile.js';
import type { SafetensorsHeader } from '../checkpoint/safetensorsHeader.js';
import { PAGE_BYTES, PAGE_HASH_BYTES, PageHasher } from './PageHasher.js';
import type { StoredWeights } from './WeightSource.js';

const PAGES = 'pages';

export interface WeightPages {
  readonly dtype: StoredType;
  /** First byte of the data within the file. */
  readonly dataFrom: number;
  readonly dataBytes: number;
  /** SHA-256 of each page, one after another. */
  readonly hashes: Uint8Array;
}

/** Where pages are written from, one tensor at a time. A `TensorSource` is one; halves are stored as they are. */
export interface PagesSource {
  readonly layout: TensorLayout;
  /** Asked three times for each tensor, must give the same each time, and may use the same memory again. */
  read(tensor: TensorSpec): Promise<StoredWeights>;
}

/** The work of `writeWeightPages`. */
export async function writePages(path: string, source: PagesSource, dtype: StoredType): Promise<WrittenFile> {
  const tensors = source.layout.tensors.map(
    (spec): TensorToWrite => ({
      ...{ name: spec.name, shape: spec.shape, dtype },
      bytes: async () => bytesAs(dtype, await source.read(spec)),
    }),
  );
  const hashes = await pageHashes(tensors);
  const pages = JSON.stringify({ bytes: PAGE_BYTES, sha256: Buffer.from(hashes).toString('base64') });
  return await writeSafetensors(path, { metadata: { format: 'pt', [PAGES]: pages }, tensors });
}

function bytesAs(dtype: StoredType, values: StoredWeights): Uint8Array {
  if (values instanceof Float32Array) return storedBytes(values, dtype);
  return bytesOf(dtype === 'F16' ? values : fromHalves(values));
}

async function pageHashes(tensors: readonly TensorToWrite[]): Promise<Uint8Array> {
  const pages = new PageHasher();
  for (const tensor of tensors) pages.add(await tensor.bytes());
  return pages.finish();
}

/**
 * What a header says of the pages. Throws `CHECKPOINT_CORRUPT` where the tensors are not those of the layout in its
 * order and of one type, or where hashes are missing.
 */
export function weightPages(
  file: string,
  { tensors, metadata, fileBytes }: SafetensorsHeader,
  layout: TensorLayout,
): WeightPages {
  const dtype = tensors[0]?.dtype;
  if (dtype !== 'F32' && dtype !== 'F16') throw corrupt(file, 'its weights are neither F32 nor F16');
  for (const [i, { name, shape }] of layout.tensors.entries()) {
    const stored = tensors[i];
    const same =
      stored?.name === name &&
      stored.dtype === dtype &&
      stored.shape.length === shape.length &&
      stored.shape.every((dim, axis) => dim === shape[axis]);
    if (!same) throw corrupt(file, `tensor ${i} of this model is "${name}" (${shape})`, stored?.name ?? name);
  }
  if (tensors.length !== layout.tensors.length)
    throw corrupt(file, 'it holds more than the weights of this model');
  const dataFrom = tensors[0]!.from;
  const dataBytes = fileBytes - dataFrom;
  return { dtype, dataFrom, dataBytes, hashes: hashesOf(file, metadata[PAGES], dataBytes) };
}

function hashesOf(file: string, text: string | undefined, dataBytes: number): Uint8Array {
  try {
    const { bytes, sha256 } = JSON.parse(text ?? '') as { bytes: unknown; sha256: string };
    const hashes = new Uint8Array(Buffer.from(sha256, 'base64'));
    if (bytes === PAGE_BYTES && hashes.length === PAGE_HASH_BYTES * Math.ceil(dataBytes / PAGE_BYTES))
      return hashes;
  } catch {
    // falls through to the one error below
  }
  throw corrupt(file, 'it has no list of page hashes: write it with writeWeightPages');
}

/** Whether a page has the content its hash names; if not, the hash it has. */
export function wrongPage(
  bytes: Uint8Array,
  page: number,
  hashes: Uint8Array,
): { expected: string; actual: string } | undefined {
  const expected = Buffer.from(
    hashes.subarray(page * PAGE_HASH_BYTES, (page + 1) * PAGE_HASH_BYTES),
  ).toString('hex');
  const actual = createHash('sha256').update(bytes).digest('hex');
  return actual === expected ? undefined : { expected, actual };
}

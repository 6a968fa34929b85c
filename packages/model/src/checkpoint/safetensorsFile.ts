/**
 * @file Safetensors files, tensor by tensor: never more than one tensor in memory. Each tensor's SHA-256 is kept in the
 * header (metadata `sha256`, a JSON map), so damage is found in the tensor it is in; files of other programs, which have
 * none, are read as well. Does not know what the tensors mean.
 */
import { equalBytes } from '@alice/protocol';
import { CheckpointError, corrupt } from './checkpointError.js';
import type { ByteFile, WrittenFile } from './nodeFiles.js';
import {
  encodeHeader,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type StoredTensor,
} from './safetensorsHeader.js';

const HASHES = 'sha256';

export interface TensorToWrite extends Pick<StoredTensor, 'name' | 'dtype' | 'shape'> {
  /** The stored bytes. Called twice, for the hash and for the file, and must give the same both times. */
  bytes(): Promise<Uint8Array>;
}

export interface SafetensorsContent {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorToWrite[];
}

/**
 * Writes a file whole or not at all. A file that is there already with the same content is verified and kept, which
 * makes an interrupted export of several files go on where it stopped. Cost: reading every tensor twice.
 */
export async function writeSafetensors(path: string, content: SafetensorsContent): Promise<WrittenFile> {
  const { hexDigest, writeWhole } = await import('./nodeFiles.js');
  const hashes: Record<string, string> = {};
  for (const tensor of content.tensors) hashes[tensor.name] = hexDigest(await tensor.bytes());
  const header = encodeHeader(content.tensors, { ...content.metadata, [HASHES]: JSON.stringify(hashes) });
  const kept = await keptFile(path, header);
  return kept ?? (await writeWhole(path, pieces(header, content.tensors)));
}

async function* pieces(header: Uint8Array, tensors: readonly TensorToWrite[]): AsyncIterable<Uint8Array> {
  yield header;
  for (const tensor of tensors) yield await tensor.bytes();
}

/** The file as it lies there, if it has this header and its tensors are sound. */
async function keptFile(path: string, header: Uint8Array): Promise<WrittenFile | undefined> {
  const { fileExists, openByteFile } = await import('./nodeFiles.js');
  if (!(await fileExists(path))) return undefined;
  const file = await openByteFile(path);
  try {
    if (file.sizeBytes < header.length) return undefined;
    const found = await file.read(0, header.length);
    if (!equalBytes(found, header)) return undefined;
    return await verified(file);
  } finally {
    await file.close();
  }
}

async function verified(file: ByteFile): Promise<WrittenFile | undefined> {
  const { createHash } = await import('node:crypto');
  try {
    const header = await readHeader(file);
    const hash = createHash('sha256').update(await file.read(0, header.tensors[0]?.from ?? file.sizeBytes));
    for (const tensor of header.tensors) hash.update(await readChecked(file, header, tensor));
    return { path: file.path, sizeBytes: file.sizeBytes, sha256: hash.digest('hex') };
  } catch (error) {
    if (error instanceof CheckpointError) return undefined; // damaged: it is written again
    throw error;
  }
}

export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /** The tensor's bytes, checked against its hash where the file has one. Throws `CHECKPOINT_*`. */
  read(tensor: StoredTensor): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file and checks its header. Throws `CHECKPOINT_*` naming the file and, where there is one, the tensor. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const { openByteFile } = await import('./nodeFiles.js');
  const file = await openByteFile(path);
  try {
    const header = await readHeader(file);
    return {
      ...header,
      path,
      read: (tensor) => readChecked(file, header, tensor),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeader(file: ByteFile): Promise<SafetensorsHeader> {
  const length = headerLength(file.path, await file.read(0, LENGTH_BYTES), file.sizeBytes);
  return parseHeader(file.path, await file.read(LENGTH_BYTES, length), file.sizeBytes);
}

async function readChecked(
  file: ByteFile,
  { metadata }: SafetensorsHeader,
  { name, from, sizeBytes }: StoredTensor,
): Promise<Uint8Array> {
  const bytes = await file.read(from, sizeBytes);
  const expected = hashesOf(file.path, metadata)[name];
  if (expected === undefined) return bytes;
  const { hexDigest } = await import('./nodeFiles.js');
  const actual = hexDigest(bytes);
  if (actual === expected) return bytes;
  throw new CheckpointError(
    { code: 'CHECKPOINT_HASH_MISMATCH', file: file.path, tensor: name, expected, actual },
    `${file.path}, tensor "${name}": its bytes are not those that were written. Copy or export the checkpoint again`,
  );
}

function hashesOf(file: string, metadata: SafetensorsHeader['metadata']): Record<string, string> {
  try {
    return JSON.parse(metadata[HASHES] ?? '{}') as Record<string, string>;
  } catch {
    throw corrupt(file, 'its list of hashes is not JSON');
  }
}

/**
 * @file Opens a GGUF file that this program wrote, with the same demands as on a folder of safetensors: exactly the tensors
 * of its model, whole, of the right shape, finite, and unchanged where their hashes are recorded. It must name the
 * tokenizer: weights of other origin are not imported (SPEC MODEL-1).
 */
import type { TensorSpec } from '@alice/protocol';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { modelLayout } from '../modelLayout.js';
import {
  type Checkpoint,
  checkpointOf,
  requireBlocks,
  requireFinite,
  requireShape,
  requireVocab,
} from './checkpoint.js';
import { CheckpointError, corrupt, truncated } from './checkpointError.js';
import { elementBytes, floatsOf } from './elementTypes.js';
import { GGUF_HASHES } from './exportGguf.js';
import { GGML_TYPE, ggufPadding } from './GgufWriter.js';
import { type GgufHead, type GgufPlace, type GgufValue, parseGgufHead } from './ggufHead.js';
import { checkSeal } from './ggufSeal.js';
import { ggufName, rearranged } from './ggufTensors.js';
import type { CheckpointFacts } from './huggingFaceConfig.js';
import type { ByteFile } from './nodeFiles.js';

const FIRST_READ = 2 ** 20;
/** Several times the head of a vocabulary of 65,536. */
const MAX_HEAD_BYTES = 2 ** 24;

interface Place {
  readonly name: string;
  readonly type: keyof typeof GGML_TYPE;
  readonly from: number;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
}

/** Reads the head only. Throws `CHECKPOINT_*` naming file and tensor, `CONFIG_INVALID`. */
export async function openGguf(path: string): Promise<Checkpoint> {
  const { openByteFile } = await import('./nodeFiles.js');
  const file = await openByteFile(path);
  try {
    const head = await readHead(file);
    const { config, facts } = described(path, head.pairs);
    requireVocab(path, { config, facts, field: 'alice.tokenizer' });
    requireBlocks(path, config, head.tensors.length);
    const places = placesOf(file, head, modelLayout(config).tensors);
    await checkSeal(path, await file.read(0, head.dataFrom), head);
    const read = async (spec: TensorSpec): Promise<Float32Array> => {
      const values = await readTensor(file, places.get(spec.name)!);
      return rearranged(values, spec, config);
    };
    return checkpointOf({ config, facts, read, close: () => file.close() });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Twice as many bytes as before, until the head is whole. */
async function readHead(file: ByteFile): Promise<GgufHead> {
  const { path, sizeBytes } = file;
  for (let length = FIRST_READ; length <= MAX_HEAD_BYTES; length *= 2) {
    const head = parseGgufHead(path, await file.read(0, Math.min(length, sizeBytes)));
    if (head) return head;
    if (length >= sizeBytes) throw truncated(path, { needBytes: sizeBytes + 1, gotBytes: sizeBytes });
  }
  throw corrupt(path, `its head is longer than ${MAX_HEAD_BYTES} bytes`);
}

type Pairs = GgufHead['pairs'];

function described(file: string, pairs: Pairs): { config: ModelConfig; facts: CheckpointFacts } {
  if (pairs.get('general.architecture') !== 'llama') throw unsupported(file, 'general.architecture');
  const number = (key: string): number => {
    const value = pairs.get(`llama.${key}`);
    if (typeof value !== 'number') throw unsupported(file, `llama.${key}`);
    return value;
  };
  const tokenizerId = pairs.get('alice.tokenizer');
  if (typeof tokenizerId !== 'string') throw unsupported(file, 'alice.tokenizer');
  const [version, stateRoot] = [pairs.get('alice.version'), pairs.get('alice.state_root')];
  const config = checkConfig({
    name: String(pairs.get('general.name') ?? 'checkpoint').replace(/^Alice /, ''),
    layers: number('block_count'),
    width: number('embedding_length'),
    heads: number('attention.head_count'),
    kvHeads: number('attention.head_count_kv'),
    ffn: number('feed_forward_length'),
    context: number('context_length'),
    vocab: number('vocab_size'),
    ropeTheta: shortest(number('rope.freq_base')),
    normEps: shortest(number('attention.layer_norm_rms_epsilon')),
  });
  if (number('rope.dimension_count') !== config.width / config.heads)
    throw unsupported(file, 'llama.rope.dimension_count');
  const facts: CheckpointFacts = {
    tokenizerId,
    ...(typeof version === 'number' ? { version } : {}),
    ...(typeof stateRoot === 'string' ? { stateRoot } : {}),
  };
  return { config, facts };
}

/** The decimal number that was written as FP32: 0.00001, not 0.000009999999747378752. */
function shortest(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(single.toPrecision(digits));
    if (Math.fround(rounded) === single) return rounded;
  }
  return single;
}

function placesOf(file: ByteFile, head: GgufHead, specs: readonly TensorSpec[]): Map<string, Place> {
  const hashes = hashesOf(file.path, head);
  const wanted = new Map(specs.map((spec) => [ggufName(spec.name), spec]));
  const places = new Map<string, Place>();
  let offset = 0;
  for (const [i, stored] of head.tensors.entries()) {
    const spec = wanted.get(stored.name);
    if (!spec || places.has(spec.name)) throw unexpected(file.path, stored.name);
    const place = placeOf(file, stored, { spec, from: head.dataFrom + offset, sha256: hashes?.[i] });
    if (stored.offset !== offset)
      throw corrupt(file.path, 'it does not begin where the tensor before it ends', stored.name);
    places.set(spec.name, place);
    offset += place.sizeBytes + ggufPadding(place.sizeBytes);
  }
  for (const { name } of specs) if (!places.has(name)) throw missing(file.path, ggufName(name));
  const rest = file.sizeBytes - head.dataFrom - offset;
  if (rest > 0) throw corrupt(file.path, `${rest} bytes follow the last tensor`);
  return places;
}

function placeOf(
  file: ByteFile,
  { name, shape, type }: GgufPlace,
  { spec, from, sha256 }: { spec: TensorSpec; from: number; sha256: string | undefined },
): Place {
  const known = (['F32', 'F16'] as const).find((own) => GGML_TYPE[own] === type);
  if (!known)
    throw new CheckpointError(
      { code: 'CHECKPOINT_DTYPE_UNKNOWN', file: file.path, tensor: name, dtype: `ggml type ${type}` },
      `${file.path}, tensor "${name}": weights are F32 or F16, not of ggml's type ${type}; quantised files cannot be opened`,
    );
  requireShape(file.path, { name, shape }, spec.shape);
  const sizeBytes = spec.size * elementBytes[known];
  if (from + sizeBytes > file.sizeBytes)
    throw truncated(file.path, { needBytes: from + sizeBytes, gotBytes: file.sizeBytes, tensor: name });
  return { name, type: known, from, sizeBytes, sha256 };
}

/** `undefined` in files of before hashes were recorded. */
function hashesOf(file: string, { pairs, tensors }: GgufHead): readonly string[] | undefined {
  const stored: GgufValue | undefined = pairs.get(GGUF_HASHES);
  if (stored === undefined) return undefined;
  if (Array.isArray(stored) && stored.length === tensors.length && stored.every((h) => typeof h === 'string'))
    return stored as readonly string[];
  throw corrupt(file, 'its list of hashes does not fit its tensors');
}

async function readTensor(
  file: ByteFile,
  { name, type, from, sizeBytes, sha256 }: Place,
): Promise<Float32Array> {
  const bytes = await file.read(from, sizeBytes);
  const { hexDigest } = await import('./nodeFiles.js');
  const actual = sha256 === undefined ? undefined : hexDigest(bytes);
  if (sha256 !== undefined && actual !== undefined && actual !== sha256)
    throw new CheckpointError(
      { code: 'CHECKPOINT_HASH_MISMATCH', file: file.path, tensor: name, expected: sha256, actual },
      `${file.path}, tensor "${name}": its bytes are not those that were written. Copy or export the checkpoint again`,
    );
  return requireFinite(file.path, name, floatsOf(bytes, type));
}

function unsupported(file: string, field: string): CheckpointError {
  return new CheckpointError(
    { code: 'CHECKPOINT_CONFIG', file, field },
    `${file}: "${field}" is missing or says something this program does not compute. Only checkpoints that "alice export" or "alice train" wrote can be opened`,
  );
}

function unexpected(file: string, tensor: string): CheckpointError {
  return new CheckpointError(
    { code: 'CHECKPOINT_TENSOR_UNEXPECTED', file, tensor },
    `${file}: the model it describes has no place for tensor "${tensor}", or it is there twice`,
  );
}

function missing(file: string, tensor: string): CheckpointError {
  return new CheckpointError(
    { code: 'CHECKPOINT_TENSOR_MISSING', file, tensor },
    `${file} has no tensor "${tensor}", which the model it describes asks for`,
  );
}

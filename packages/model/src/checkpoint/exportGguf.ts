/**
 * @file One file that llama.cpp and what is built on it open: GGUF with architecture `llama`, weights in F32 or F16
 * (norms always F32) and the tokenizer inside. SPEC MODEL-2
 */
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { type ByteLevelTable, byteLevelTable } from './byteLevelTable.js';
import { type StoredType, storedBytes } from './elementTypes.js';
import type { ExportOptions } from './exportSafetensors.js';
import { GgufWriter, ggufPadding } from './GgufWriter.js';
import { HEAD_HASH, sealHead, UNSEALED } from './ggufSeal.js';
import { arranged, storedAs } from './ggufTensors.js';
import type { CheckpointFacts } from './huggingFaceConfig.js';
import type { WrittenFile } from './nodeFiles.js';

export interface GgufExportOptions extends ExportOptions {
  /** The file, usually `….gguf`. */
  readonly path: string;
}

/** `general.file_type`: what most weights are. */
const FILE_TYPE = { F32: 0, F16: 1 } as const;
/** `tokenizer.ggml.token_type`. */
const NORMAL = 1;
const CONTROL = 3;

/** Each tensor's SHA-256, in the order of the tensors: damage is found in the tensor it is in. llama.cpp skips the key. */
export const GGUF_HASHES = 'alice.tensor_sha256';

/**
 * Writes the file whole or not at all, and its hash beside it (`….sha256`). Cost: every tensor is read twice; memory for one
 * at a time.
 */
export async function exportGguf(options: GgufExportOptions): Promise<WrittenFile> {
  const { hexDigest, writeSum, writeWhole } = await import('./nodeFiles.js');
  const { weights, dtype, facts, path, onFile } = options;
  const config = checkConfig(options.config);
  const head = describe(config, facts, dtype);
  describeTokenizer(head, await byteLevelTable(facts.tokenizerId));
  const tensors = weights.layout.tensors.map((spec) => ({ spec, stored: storedAs(spec, dtype) }));
  const bytesOfTensor = async ({ spec, stored }: (typeof tensors)[0]): Promise<Uint8Array> =>
    storedBytes(arranged(await weights.read(spec), spec, config), stored.type);
  const hashes: string[] = [];
  for (const tensor of tensors) hashes.push(hexDigest(await bytesOfTensor(tensor)));
  head.texts(GGUF_HASHES, hashes).text(HEAD_HASH, UNSEALED);
  async function* pieces(): AsyncIterable<Uint8Array> {
    yield await sealHead(head.head(tensors.map(({ stored }) => stored)));
    for (const tensor of tensors) {
      yield await bytesOfTensor(tensor);
      yield new Uint8Array(ggufPadding(tensor.stored.sizeBytes));
    }
  }
  const file = await writeWhole(path, pieces());
  await writeSum(file);
  onFile?.(file);
  return file;
}

function describe(config: ModelConfig, facts: CheckpointFacts, dtype: StoredType): GgufWriter {
  const head = new GgufWriter()
    .text('general.architecture', 'llama')
    .text('general.name', `Alice ${config.name}`)
    .u32('general.file_type', FILE_TYPE[dtype])
    .u32('general.alignment', 32)
    .u32('llama.vocab_size', config.vocab)
    .u32('llama.context_length', config.context)
    .u32('llama.embedding_length', config.width)
    .u32('llama.block_count', config.layers)
    .u32('llama.feed_forward_length', config.ffn)
    .u32('llama.attention.head_count', config.heads)
    .u32('llama.attention.head_count_kv', config.kvHeads)
    .f32('llama.attention.layer_norm_rms_epsilon', config.normEps)
    .u32('llama.rope.dimension_count', config.width / config.heads)
    .f32('llama.rope.freq_base', config.ropeTheta);
  if (facts.stateRoot !== undefined) head.text('alice.state_root', facts.stateRoot);
  if (facts.version !== undefined) head.u32('alice.version', facts.version);
  return head.text('alice.tokenizer', facts.tokenizerId);
}

function describeTokenizer(head: GgufWriter, { tokens, merges, separator }: ByteLevelTable): void {
  head
    .text('tokenizer.ggml.model', 'gpt2')
    .text('tokenizer.ggml.pre', 'gpt-2')
    .texts('tokenizer.ggml.tokens', tokens)
    .ints(
      'tokenizer.ggml.token_type',
      tokens.map((_, id) => (id === separator ? CONTROL : NORMAL)),
    )
    .texts('tokenizer.ggml.merges', merges)
    .u32('tokenizer.ggml.bos_token_id', separator)
    .u32('tokenizer.ggml.eos_token_id', separator)
    .bool('tokenizer.ggml.add_bos_token', false)
    .bool('tokenizer.ggml.add_eos_token', false);
}

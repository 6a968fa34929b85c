/**
 * @file A folder that transformers, vLLM and other programs of that family open unchanged: config.json, tokenizer files,
 * weights in safetensors, and SHA256SUMS. Large models are cut into several weight files; an interrupted export goes on
 * with the files that are missing. SPEC MODEL-2
 */
import { type TensorSpec, utf8 } from '@alice/protocol';
import { checkConfig, type ModelConfig } from '../ModelConfig.js';
import { byteLevelTable } from './byteLevelTable.js';
import { elementBytes, type StoredType, storedBytes } from './elementTypes.js';
import { type CheckpointFacts, huggingFaceConfig } from './huggingFaceConfig.js';
import { huggingFaceTokenizer } from './huggingFaceTokenizer.js';
import type { WrittenFile } from './nodeFiles.js';
import { type TensorToWrite, writeSafetensors } from './safetensorsFile.js';
import type { TensorSource } from './tensorSource.js';

export interface ExportOptions {
  readonly config: ModelConfig;
  readonly weights: TensorSource;
  readonly facts: CheckpointFacts;
  readonly dtype: StoredType;
  /** Called after each file. */
  readonly onFile?: ((file: WrittenFile) => void) | undefined;
}

export interface SafetensorsExportOptions extends ExportOptions {
  readonly dir: string;
  /** Largest weight file; 2 GiB unless given. A tensor is never cut. */
  readonly maxFileBytes?: number;
}

const MAX_FILE_BYTES = 2 ** 31;
export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/** Writes the folder and returns its files. Cost: every tensor is read twice; memory for one at a time. */
export async function exportSafetensors(options: SafetensorsExportOptions): Promise<WrittenFile[]> {
  const { writeSums, writeWhole } = await import('./nodeFiles.js');
  const { dir, facts, dtype, onFile } = options;
  const config = checkConfig(options.config);
  const written: WrittenFile[] = [];
  const note = (file: WrittenFile): void => {
    written.push(file);
    onFile?.(file);
  };
  const texts = {
    'config.json': huggingFaceConfig(config, facts, dtype),
    ...huggingFaceTokenizer(await byteLevelTable(facts.tokenizerId), config.context),
  };
  for (const [name, text] of Object.entries(texts))
    note(await writeWhole(`${dir}/${name}`, [utf8.encode(text)]));
  for (const { name, tensors } of planFiles(options))
    note(await writeSafetensors(`${dir}/${name}`, { metadata: { format: 'pt' }, tensors }));
  const index = indexText(options);
  if (index !== undefined) note(await writeWhole(`${dir}/${INDEX_FILE}`, [utf8.encode(index)]));
  await writeSums(dir, written);
  return written;
}

/** Which tensors go into which file, in layout order. */
function planFiles(options: SafetensorsExportOptions): { name: string; tensors: TensorToWrite[] }[] {
  const groups = groupTensors(options);
  const count = String(groups.length).padStart(5, '0');
  return groups.map((specs, i) => ({
    name:
      groups.length === 1 ? WEIGHTS_FILE : `model-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`,
    tensors: specs.map((spec) => toWrite(spec, options)),
  }));
}

function groupTensors({
  weights,
  dtype,
  maxFileBytes = MAX_FILE_BYTES,
}: SafetensorsExportOptions): TensorSpec[][] {
  const groups: TensorSpec[][] = [[]];
  let sizeBytes = 0;
  for (const spec of weights.layout.tensors) {
    const added = spec.size * elementBytes[dtype];
    if (sizeBytes > 0 && sizeBytes + added > maxFileBytes) {
      groups.push([]);
      sizeBytes = 0;
    }
    groups.at(-1)!.push(spec);
    sizeBytes += added;
  }
  return groups;
}

function toWrite(spec: TensorSpec, { weights, dtype }: ExportOptions): TensorToWrite {
  const { name, shape } = spec;
  return { name, shape, dtype, bytes: async () => storedBytes(await weights.read(spec), dtype) };
}

function indexText(options: SafetensorsExportOptions): string | undefined {
  const files = planFiles(options);
  if (files.length === 1) return undefined;
  const map = files.flatMap(({ name, tensors }) => tensors.map((tensor) => [tensor.name, name] as const));
  const total = options.weights.layout.size * elementBytes[options.dtype];
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map: Object.fromEntries(map) }, null, 2)}\n`;
}

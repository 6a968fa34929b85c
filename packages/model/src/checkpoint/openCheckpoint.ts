/**
 * @file Opens what this program wrote: a folder of safetensors, or a GGUF file (openGguf.ts). Exactly the tensors of its
 * config, each of the right shape, finite and, where hashes are recorded, unchanged. Weights of other origin are not
 * imported: the config must name the tokenizer (SPEC MODEL-1).
 */
import type { TensorSpec } from '@alice/protocol';
import { modelLayout } from '../modelLayout.js';
import {
  type Checkpoint,
  checkpointOf,
  requireBlocks,
  requireFinite,
  requireShape,
  requireVocab,
} from './checkpoint.js';
import { CheckpointError, corrupt } from './checkpointError.js';
import { checkSums } from './checkSums.js';
import { floatsOf, isFloatType } from './elementTypes.js';
import { INDEX_FILE, WEIGHTS_FILE } from './exportSafetensors.js';
import { parseHuggingFaceConfig } from './huggingFaceConfig.js';
import { openGguf } from './openGguf.js';
import { openSafetensors, type SafetensorsFile } from './safetensorsFile.js';
import type { StoredTensor } from './safetensorsHeader.js';

interface Place {
  readonly file: SafetensorsFile;
  readonly tensor: StoredTensor;
}

/** Opens a folder or a `….gguf`; reads headers only. Throws `CHECKPOINT_*` naming file and tensor, `CONFIG_INVALID`. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  return path.endsWith('.gguf') ? await openGguf(path) : await openFolder(path);
}

async function openFolder(dir: string): Promise<Checkpoint> {
  const { readTextFile } = await import('./nodeFiles.js');
  const configFile = `${dir}/config.json`;
  const { config, facts } = parseHuggingFaceConfig(configFile, await readTextFile(configFile));
  requireVocab(configFile, { config, facts, field: 'alice.tokenizerId' });
  const files = await openFiles(dir);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const stored = files.reduce((count, { tensors }) => count + tensors.length, 0);
    requireBlocks(configFile, config, stored);
    const places = placesOf(dir, files, modelLayout(config).tensors);
    await checkSums(dir);
    const read = (spec: TensorSpec): Promise<Float32Array> => readTensor(places.get(spec.name)!);
    return checkpointOf({ config, facts, read, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFiles(dir: string): Promise<SafetensorsFile[]> {
  const { fileExists } = await import('./nodeFiles.js');
  const names = (await fileExists(`${dir}/${INDEX_FILE}`)) ? await indexedFiles(dir) : [WEIGHTS_FILE];
  const files: SafetensorsFile[] = [];
  try {
    for (const name of names) files.push(await openSafetensors(`${dir}/${name}`));
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  return files;
}

async function indexedFiles(dir: string): Promise<string[]> {
  const { readTextFile } = await import('./nodeFiles.js');
  const path = `${dir}/${INDEX_FILE}`;
  const names = new Set<string>();
  try {
    const { weight_map: map } = JSON.parse(await readTextFile(path)) as {
      weight_map: Record<string, string>;
    };
    for (const name of Object.values(map)) names.add(name);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw corrupt(path, 'it is not an index of weight files');
  }
  // A name with a path in it would read outside the folder.
  for (const name of names)
    if (!/^[\w.-]+\.safetensors$/.test(name)) throw corrupt(path, `it names "${name}"`);
  return [...names];
}

function placesOf(
  dir: string,
  files: readonly SafetensorsFile[],
  specs: readonly TensorSpec[],
): Map<string, Place> {
  const wanted = new Map(specs.map((spec) => [spec.name, spec]));
  const places = new Map<string, Place>();
  for (const file of files)
    for (const tensor of file.tensors) {
      const spec = wanted.get(tensor.name);
      if (!spec || places.has(tensor.name)) throw unexpected(file.path, tensor.name);
      checkShape(file.path, tensor, spec);
      places.set(tensor.name, { file, tensor });
    }
  for (const { name } of specs)
    if (!places.has(name))
      throw new CheckpointError(
        { code: 'CHECKPOINT_TENSOR_MISSING', file: files.length === 1 ? files[0]!.path : dir, tensor: name },
        `${dir} has no tensor "${name}", which its config.json asks for: the two belong to different models`,
      );
  return places;
}

function unexpected(file: string, tensor: string): CheckpointError {
  return new CheckpointError(
    { code: 'CHECKPOINT_TENSOR_UNEXPECTED', file, tensor },
    `${file}: the model of config.json has no place for tensor "${tensor}", or it is there twice`,
  );
}

function checkShape(file: string, { name, shape, dtype }: StoredTensor, want: TensorSpec): void {
  if (!isFloatType(dtype))
    throw new CheckpointError(
      { code: 'CHECKPOINT_DTYPE_UNKNOWN', file, tensor: name, dtype },
      `${file}, tensor "${name}": weights are F32, F16 or BF16, not ${dtype}`,
    );
  requireShape(file, { name, shape }, want.shape);
}

async function readTensor({ file, tensor }: Place): Promise<Float32Array> {
  const { name, dtype } = tensor;
  if (!isFloatType(dtype)) throw new Error('cannot happen: checked when the file was opened');
  return requireFinite(file.path, name, floatsOf(await file.read(tensor), dtype));
}

/** @file The loaded model as one file for other programs: FP16 when it was published so, with its version in the name. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exportGguf, exportSafetensors, tensorsOf } from '@alice/model';
import { modelId } from './ModelCard.js';
import type { Loaded } from './servedModel.js';

export type ModelFileFormat = 'gguf' | 'safetensors';

/** Path of the file; files of other versions are removed. Cost: the model once over, and its size on the disk. */
export async function writeModelFile(
  { config, parameters, card }: Pick<Loaded, 'config' | 'parameters' | 'card'>,
  { format, dir }: { format: ModelFileFormat; dir: string },
): Promise<string> {
  const { tokenizerId, version, stateRoot } = card;
  const name = `${modelId(card)}-${version === undefined ? 'local' : `v${version}`}.${format}`;
  const path = join(dir, name);
  if (existsSync(path)) return path;
  for (const old of readdirSync(dir)) if (old.endsWith(`.${format}`)) rmSync(join(dir, old));
  const facts = { tokenizerId, ...(version !== undefined && { version }), ...(stateRoot && { stateRoot }) };
  const dtype = stateRoot === undefined ? 'F32' : 'F16';
  const common = { config, facts, weights: tensorsOf(config, parameters), dtype } as const;
  if (format === 'gguf') return (await exportGguf({ ...common, path })).path;
  const folder = join(dir, 'safetensors');
  await exportSafetensors({ ...common, dir: folder });
  renameSync(join(folder, 'model.safetensors'), path);
  rmSync(folder, { recursive: true });
  return path;
}

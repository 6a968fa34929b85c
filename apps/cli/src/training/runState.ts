/**
 * @file A training run as it is kept: one safetensors file with weights, optimiser state and progress, whole or absent
 * after a kill at any instant, and every tensor checked by its hash when it is opened.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ModelConfig,
  modelLayout,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from '@alice/model';
import { bytesOf } from '@alice/protocol';
import { LocalRunError } from './localRunError.js';
import type { RunSettings } from './runSettings.js';

export interface RunProgress {
  /** Steps done. */
  readonly step: number;
  /** Time spent training so far, over all starts. */
  readonly elapsedSeconds: number;
}

export interface RunState extends RunProgress {
  readonly settings: RunSettings;
  readonly parameters: Float32Array;
  readonly optimizerState: Uint8Array;
}

const FORMAT = 'alice-train-1';
const OPTIMIZER = 'optimizer state';
/** Of the settings and the step, which are no tensor. States of before have none. */
const RUN_HASH = 'run_sha256';
const hashOf = (run: string): string => createHash('sha256').update(run).digest('hex');

export const stateFile = (dir: string): string => join(dir, 'state.safetensors');

/** Replaces the stored state. */
export async function saveRun(dir: string, model: ModelConfig, state: RunState): Promise<void> {
  const { settings, step, elapsedSeconds, parameters, optimizerState } = state;
  const weights = modelLayout(model).tensors.map(
    ({ name, shape, offset, size }): TensorToWrite => ({
      ...{ name, shape, dtype: 'F32' },
      bytes: async () => bytesOf(parameters.subarray(offset, offset + size)),
    }),
  );
  const optimizer: TensorToWrite = {
    ...{ name: OPTIMIZER, shape: [optimizerState.length], dtype: 'U8' },
    bytes: async () => optimizerState,
  };
  const run = JSON.stringify({ format: FORMAT, settings, step, elapsedSeconds });
  await writeSafetensors(stateFile(dir), {
    metadata: { format: 'pt', run, [RUN_HASH]: hashOf(run) },
    tensors: [...weights, optimizer],
  });
}

/** The stored state, or `undefined` for a new run. Throws `CHECKPOINT_*`, `RUN_DAMAGED`. */
export async function loadRun(dir: string, model: ModelConfig): Promise<RunState | undefined> {
  const path = stateFile(dir);
  if (!existsSync(path)) return undefined;
  const file = await openSafetensors(path);
  try {
    const { settings, step, elapsedSeconds } = parseRun(path, file.metadata);
    const layout = modelLayout(model);
    const parameters = new Float32Array(layout.size);
    const stored = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    for (const { name, offset, size } of layout.tensors) {
      const tensor = stored.get(name);
      if (tensor?.sizeBytes !== 4 * size) throw damaged(path, `it has no "${name}" of this model`);
      bytesOf(parameters).set(await file.read(tensor), 4 * offset);
    }
    const optimizer = stored.get(OPTIMIZER);
    if (!optimizer) throw damaged(path, 'it has no optimiser state');
    return { settings, step, elapsedSeconds, parameters, optimizerState: await file.read(optimizer) };
  } finally {
    await file.close();
  }
}

function parseRun(
  path: string,
  { run: text = '', [RUN_HASH]: hash = hashOf(text) }: Readonly<Record<string, string>>,
): RunProgress & { settings: RunSettings } {
  if (hash !== hashOf(text)) throw damaged(path, 'its settings are not those that were written');
  try {
    const run = JSON.parse(text) as RunProgress & { format: string; settings: RunSettings };
    if (run.format === FORMAT && Number.isSafeInteger(run.step) && run.step >= 0) return run;
  } catch {
    // falls through to the one error below
  }
  throw damaged(path, 'it is not the state of a training run');
}

function damaged(file: string, reason: string): LocalRunError {
  return new LocalRunError(
    { code: 'RUN_DAMAGED', file, reason },
    `${file}: ${reason}. Start anew in another folder with --out`,
  );
}

/** @file Where a command takes a model from: a checkpoint folder, a server, or the network of a folder; one of the three. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type Checkpoint,
  type CheckpointFacts,
  type ModelConfig,
  openCheckpoint,
  type TensorSource,
  tensorsOf,
} from '@alice/model';
import { errorCodeOf } from '@alice/protocol';
import { createProgress } from '../progressBar.js';
import { serverUrlOf } from '../up/runningNetwork.js';
import { fetchPublished } from './fetchPublished.js';
import { LocalRunError } from './localRunError.js';
import type { ModelFlags } from './modelOptions.js';
import type { PublishedModel } from './PublishedModelReader.js';

export interface OpenedModel {
  readonly config: ModelConfig;
  readonly facts: CheckpointFacts;
  readonly weights: TensorSource;
  /** Whether the weights are FP16 already, as published ones are. */
  readonly isHalf: boolean;
  parameters(): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Throws `CHECKPOINT_*`, `NETWORK_NOT_RUNNING` and what `fetchPublished` throws. */
export async function openModel(flags: ModelFlags, signal: AbortSignal): Promise<OpenedModel> {
  if (flags.model !== undefined)
    return ofCheckpoint(await openCheckpoint(checkpointDir(resolve(flags.model))));
  const { config, tokenizerId, parameters, version, stateRoot } = await publishedModel(flags, signal);
  return {
    ...{ config, facts: { tokenizerId, version, stateRoot }, weights: tensorsOf(config, parameters) },
    ...{ isHalf: true, parameters: async () => parameters, close: async () => undefined },
  };
}

/** From the server named, else from the network of the folder, whether it runs or is stopped. */
async function publishedModel({ server, dir }: ModelFlags, signal: AbortSignal): Promise<PublishedModel> {
  if (server !== undefined) return await download(server, signal);
  const folder = resolve(dir);
  try {
    return await download(await serverOf(folder), signal);
  } catch (error) {
    if (errorCodeOf(error) !== 'NETWORK_NOT_RUNNING') throw error;
    const { readStopped } = await import('./readStopped.js');
    const stored = await readStopped(folder);
    if (stored) return stored;
    throw error;
  }
}

async function download(url: string, signal: AbortSignal): Promise<PublishedModel> {
  const progress = createProgress('downloading the model', { unit: 'MB', quiet: false, scale: 1e-6 });
  try {
    return await fetchPublished(url, { signal, onBytes: progress.update });
  } finally {
    progress.stop();
  }
}

/** The folder itself, or the `model` folder that "alice train" leaves in its own. */
export function checkpointDir(dir: string): string {
  return !existsSync(join(dir, 'config.json')) && existsSync(join(dir, 'model', 'config.json'))
    ? join(dir, 'model')
    : dir;
}

function ofCheckpoint(checkpoint: Checkpoint): OpenedModel {
  const { config, facts } = checkpoint;
  return {
    ...{ config, facts, weights: checkpoint, isHalf: facts.stateRoot !== undefined },
    parameters: () => checkpoint.parameters(),
    close: () => checkpoint.close(),
  };
}

/** The address of the running network of a folder. Throws `NETWORK_NOT_RUNNING`. */
export async function serverOf(dir: string): Promise<string> {
  const url = serverUrlOf(dir);
  const answers =
    url !== undefined &&
    (await fetch(`${url}/v1/network`).then(
      ({ ok }) => ok,
      () => false,
    ));
  if (answers) return url;
  throw new LocalRunError(
    { code: 'NETWORK_NOT_RUNNING', dir },
    `no network answers for ${dir}: start it with "alice up --dir ${dir}", or name a checkpoint with --model or a server with --server`,
  );
}

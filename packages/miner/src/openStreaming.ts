/** @file What a miner whose weights lie in a file holds while it is open: unsent work, the file, the optimiser's means. */
import { join } from 'node:path';
import { modelLayout } from '@alice/model';
import { errorCodeOf, type TensorLayout } from '@alice/protocol';
import { type Adafactor, createAdafactor } from '@alice/training';
import { PagedReplica } from '@alice/training/node';
import { fileStates } from './stateFile.js';
import { type OpenedSession, STATE_OF } from './TrainerSession.js';
import { TrainingState } from './TrainingState.js';
import type { OpenTrainer } from './trainer.js';

export interface OpenedStreaming extends OpenedSession {
  readonly layout: TensorLayout;
  readonly copy: PagedReplica;
  readonly optimizer: Adafactor;
}

export async function openStreaming(request: OpenTrainer): Promise<OpenedStreaming> {
  const { dir, address, instance, networkId, model } = request;
  const layout = modelLayout(model);
  const states = fileStates(dir);
  const name = `training-${address}-${instance}`;
  const { state, found } = await TrainingState.open({ states, name, layout, networkId });
  const copy = await PagedReplica.open({ dir: join(dir, 'weights'), layout, networkId });
  const optimizer = createAdafactor(layout, { weightDecay: 0 });
  restoreOptimizer({ optimizer, state, layout });
  return { request, found: STATE_OF[found], layout, state, copy, optimizer };
}

/** The optimiser as it was when its state was last kept; empty where that is another optimiser's. */
export function restoreOptimizer({
  optimizer,
  state,
  layout,
}: Pick<OpenedStreaming, 'optimizer' | 'state' | 'layout'>): void {
  const empty = (): Uint8Array => createAdafactor(layout).exportState();
  try {
    optimizer.importState(state.optimizer ?? empty());
  } catch (error) {
    if (errorCodeOf(error) !== 'STATE_INVALID') throw error;
    optimizer.importState(empty());
  }
}

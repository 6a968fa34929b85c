/** @file What came of a task, as the other thread is told, and the bytes that are sent. */
import {
  encodeAnySubmission,
  headerForTask,
  type SparseDelta,
  type Task,
  type TensorLayout,
  type WireFormat,
} from '@alice/protocol';
import type { NothingCode, Trained } from './trainer.js';

export interface Learned {
  readonly delta: SparseDelta;
  readonly steps: number;
  readonly tokens: number;
  /** Mean of the steps' losses, each before its update. */
  readonly lossNats: number;
}

/** The submission for a task. */
export function submissionOf(task: Task, layout: TensorLayout, learned: Learned): Promise<Uint8Array> {
  const { delta, steps, tokens, lossNats } = learned;
  const header = headerForTask(task, { innerSteps: steps, tokens, meanTrainingLossNats: lossNats });
  return encodeAnySubmission(header, delta, { layout, format: formatOf(task.settings) });
}

/** Older servers say nothing about formats: they know one. */
export function formatOf({ format }: Task['settings']): WireFormat {
  return format ?? { wire: 'binary_v2' };
}

export function nothing(code: NothingCode, reason: string): Trained {
  return { kind: 'nothing', code, reason };
}

export function windowTooShort(windowMs: number): Trained {
  return nothing('WINDOW_TOO_SHORT', `no inner step fits into the ${Math.round(windowMs)} ms that were left`);
}

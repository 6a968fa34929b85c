/** @file A thread that answers calls, and how its owner learns that it has ended. */
import { Worker } from 'node:worker_threads';
import { PortCalls, portOfThread } from '@alice/protocol';

/**
 * Of V8's nursery, MB. Left alone it grows to 48 in each thread under load and keeps them, for messages that nobody needs a
 * moment later. It limits nothing that a thread may hold.
 */
export const THREAD_LIMITS = { maxYoungGenerationSizeMb: 12 } as const;

export interface Thread<Calls extends object> {
  readonly worker: Worker;
  readonly calls: PortCalls<Calls>;
}

/** `onEnd` is told why, once or more; what was asked of the thread has failed by then. */
export function launchThread<Calls extends object>(
  program: URL,
  workerData: unknown,
  onEnd: (thread: Thread<Calls>, reason: string) => void,
): Thread<Calls> {
  const worker = new Worker(program, { workerData, resourceLimits: THREAD_LIMITS });
  const thread: Thread<Calls> = { worker, calls: new PortCalls<Calls>(portOfThread(worker)) };
  const ended = (reason: string): void => {
    thread.calls.end(reason);
    onEnd(thread, reason);
  };
  worker.on('error', (error) => ended(error.message));
  worker.on('exit', (exitCode) => ended(`exit code ${exitCode}`));
  return thread;
}

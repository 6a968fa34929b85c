/** @file A thread that answers calls, and how its owner learns that it has ended. */
import { Worker } from 'node:worker_threads';
import { PortCalls, portOfThread } from '@alice/protocol';

export interface Thread<Calls extends object> {
  readonly worker: Worker;
  readonly calls: PortCalls<Calls>;
}

/**
 * Room for what is new in a thread's heap, MiB. V8 lets it grow to six times as much under load and keeps it: with five
 * threads more memory than thousands of miners take. What these threads make is short-lived or lies outside the heap.
 */
export const YOUNG_HEAP_MIB = 8;

/** `onEnd` is told why, once or more; what was asked of the thread has failed by then. */
export function launchThread<Calls extends object>(
  program: URL,
  workerData: unknown,
  onEnd: (thread: Thread<Calls>, reason: string) => void,
): Thread<Calls> {
  const worker = new Worker(program, {
    ...{ workerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_HEAP_MIB } },
  });
  const thread: Thread<Calls> = { worker, calls: new PortCalls<Calls>(portOfThread(worker)) };
  const ended = (reason: string): void => {
    thread.calls.end(reason);
    onEnd(thread, reason);
  };
  worker.on('error', (error) => ended(error.message));
  worker.on('exit', (exitCode) => ended(`exit code ${exitCode}`));
  return thread;
}

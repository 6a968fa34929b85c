/**
 * @file Sees an input that takes too long, also one that never ends: a thread beside the fuzzer compares how far it has come with
 * the processor time that the process has spent, so that a busy machine or a stopped process is no finding. Asking for that
 * time before and after every input took a quarter of the whole run.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { spentMs } from '../spentMs.js';

const POLL_MS = 50;
/** An input that goes on for so many times the limit never ends: the process is killed, since nothing else stops it. */
const ENDLESS = 5;

export interface Watch {
  /** An input is done. */
  count(): void;
  /** The last input that took too long, counted from 0; undefined while none did. */
  slow(): number | undefined;
  stop(): Promise<unknown>;
}

interface Watched {
  /** Inputs that are done, and the last slow one plus one. */
  readonly shared: Int32Array;
  readonly limitMs: number;
  readonly name: string;
}

/** Settles when it watches. `name`: what the run is called when one of its inputs has to be killed. */
export async function watchInputs(limitMs: number, name: string): Promise<Watch> {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const watched: Watched = { shared, limitMs, name };
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: watched, execArgv: [] });
  await once(thread, 'message'); // until then it needs this thread to come up
  thread.unref();
  return {
    count: () => void Atomics.add(shared, 0, 1),
    slow: () => (Atomics.load(shared, 1) === 0 ? undefined : Atomics.load(shared, 1) - 1),
    stop: () => thread.terminate(),
  };
}

function watch({ shared, limitMs, name }: Watched): void {
  let input = -1;
  let sinceMs = 0;
  setInterval(() => {
    const done = Atomics.load(shared, 0);
    const nowMs = spentMs();
    if (done !== input) [input, sinceMs] = [done, nowMs];
    else if (nowMs - sinceMs > ENDLESS * limitMs) kill(`${name}: input ${input} does not end`);
    else if (nowMs - sinceMs > limitMs) Atomics.store(shared, 1, input + 1);
  }, POLL_MS);
  parentPort!.postMessage('watching');
}

function kill(finding: string): void {
  writeSync(2, `FUZZ_FINDING: ${finding}\n`);
  process.kill(process.pid, 'SIGKILL');
}

if (!isMainThread) watch(workerData as Watched);

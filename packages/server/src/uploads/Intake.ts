/**
 * @file The serving thread's handle on the intake thread. Of every upload at most one part is on its way between the two,
 * and all of these together stay below a budget, so memory does not follow the size of uploads, nor how many there are.
 * A thread that dies takes its uploads with it (their senders are told to repeat) and is started again, on an empty spool.
 */
import { Worker } from 'node:worker_threads';
import { type Logger, PortCalls, portOfThread } from '@alice/protocol';
import { ServerError } from '../errors.js';
import type { CheckedUpload } from './ArrivingUpload.js';
import { type ByteBudget, createByteBudget } from './byteBudget.js';
import type { IntakeCalls, IntakeWorkerData } from './intakeWorker.js';
import { sweepSpool } from './Spool.js';

export interface Intake {
  open(): Upload;
  /** Of parts between the threads. */
  readonly budget: ByteBudget;
  close(): Promise<void>;
}

export interface Upload {
  /**
   * Copies a part, sends it and waits until it is hashed, written and checked; the first must hold the header. After the
   * last one it says what was checked and is on disk. Throws `WireError`, `DISK_FULL`, `COMPUTE_STOPPED`.
   */
  add(part: Uint8Array, isLast: boolean): Promise<CheckedUpload | undefined>;
  /** Makes it a blob. */
  keep(): Promise<void>;
  /** Forgets what was not kept. */
  drop(): void;
}

/** Of all parts on their way, bytes. */
const BUDGET_BYTES = 32 * 2 ** 20;

interface Running {
  readonly worker: Worker;
  readonly calls: PortCalls<IntakeCalls>;
}

export function startIntake(data: IntakeWorkerData, log: Logger): Intake {
  const budget = createByteBudget(BUDGET_BYTES);
  let running: Running | undefined;
  let isClosed = false;
  let uploads = 0;

  const launch = (): Running => {
    const worker = new Worker(new URL('./intakeWorker.js', import.meta.url), { workerData: data });
    const started = { worker, calls: new PortCalls<IntakeCalls>(portOfThread(worker)) };
    const ended = (reason: string): void => {
      started.calls.end(reason);
      if (running === started) running = undefined;
      if (!isClosed) log.error('Intake thread ended; it starts again with the next upload', { reason });
    };
    worker.on('error', (error) => ended(error.message));
    worker.on('exit', (exitCode) => ended(`exit code ${exitCode}`));
    return started;
  };
  const start = (): Running => {
    if (isClosed) throw new ServerError({ code: 'SERVER_CLOSED' }, 'the server is closing');
    if (!running) {
      sweepSpool(data.dir); // whatever is there belonged to a thread that is gone
      running = launch();
    }
    return running;
  };
  start();

  return {
    budget,
    open() {
      const upload = uploads++;
      const { calls } = start();
      let isFirst = true;
      return {
        async add(part, isLast) {
          const sizeBytes = part.length;
          await budget.take(sizeBytes);
          try {
            const bytes = new Uint8Array(part); // a Buffer's own `slice` would move the socket's memory away
            const message = { upload, bytes, isFirst, isLast };
            isFirst = false;
            return await calls.call('part', message, [bytes.buffer]);
          } finally {
            budget.give(sizeBytes);
          }
        },
        keep: () => calls.call('keep', upload),
        drop: () => void calls.call('drop', upload).catch(() => undefined),
      };
    },
    async close() {
      isClosed = true;
      await running?.worker.terminate();
    },
  };
}

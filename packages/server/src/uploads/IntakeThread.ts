/**
 * @file The serving thread's handle on one intake thread. A thread that dies takes its uploads with it (their senders are told
 * to repeat) and is started again, on a spool that holds only what may be taken up.
 */
import type { Logger } from '@alice/protocol';
import { ServerError } from '../errors.js';
import { launchThread, type Thread } from '../launchThread.js';
import type { ByteBudget } from './byteBudget.js';
import type { Intake, Upload } from './Intake.js';
import type { IntakeCalls, IntakeWorkerData } from './intakeWorker.js';
import { type LeftUpload, sweepSpool, type UploadName } from './Spool.js';

/** Files lie in its own folder. */
export type IntakeThread = Omit<Intake, 'budget'>;

type Running = Thread<IntakeCalls>;

export function startIntakeThread(
  data: IntakeWorkerData,
  { log, budget }: { log: Logger; budget: ByteBudget },
): IntakeThread {
  let running: Running | undefined;
  let isClosed = false;
  let uploads = 0;
  let left: LeftUpload[] = [];

  const launch = (): Running =>
    launchThread(new URL('./intakeWorker.js', import.meta.url), data, (ended, reason) => {
      if (running === ended) running = undefined;
      if (!isClosed) log.error('Intake thread ended; it starts again with the next upload', { reason });
    });
  const start = (): Running => {
    if (isClosed) throw new ServerError({ code: 'SERVER_CLOSED' }, 'the server is closing');
    if (!running) {
      left = sweepSpool(data.dir); // whatever is there belonged to a thread that is gone
      running = launch();
    }
    return running;
  };
  start();

  const handleOf = (
    upload: number,
    { calls, isFirst, name }: { calls: Running['calls']; isFirst: boolean; name?: UploadName | undefined },
  ): Upload => ({
    async add(part, isLast) {
      const sizeBytes = part.length;
      await budget.take(sizeBytes);
      try {
        const bytes = new Uint8Array(part); // a Buffer's own `slice` would move the socket's memory away
        const message = { upload, bytes, isFirst, isLast, name };
        isFirst = false;
        return await calls.call('part', message, [bytes.buffer]);
      } finally {
        budget.give(sizeBytes);
      }
    },
    keep: () => calls.call('keep', upload),
    drop: () => void calls.call('drop', upload).catch(() => undefined),
  });

  return {
    open: (name) => handleOf(uploads++, { calls: start().calls, isFirst: true, name }),
    async takeUp({ taskId, digest }) {
      const name = { taskId, digest };
      const { calls } = start();
      const upload = uploads++;
      const found = await calls.call('takeUp', { upload, name });
      return found && { ...found, upload: handleOf(upload, { calls, isFirst: false }) };
    },
    left() {
      if (!isClosed) start();
      return left.splice(0);
    },
    async close() {
      isClosed = true;
      await running?.worker.terminate();
    },
  };
}

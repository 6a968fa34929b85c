/**
 * @file The serving thread's handle on the intake threads, which take uploads in turn. Of every upload at most one part is on
 * its way to its thread, and all of these together stay below a budget, so memory does not follow the size of uploads, nor
 * how many there are.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@alice/protocol';
import type { CheckedUpload } from './ArrivingUpload.js';
import { type ByteBudget, createByteBudget } from './byteBudget.js';
import { type IntakeThread, startIntakeThread } from './IntakeThread.js';
import type { IntakeWorkerData, TakenUp } from './intakeWorker.js';
import type { LeftUpload, UploadName } from './Spool.js';

export interface Intake {
  /** With a name: one that may be taken up again. */
  open(name?: UploadName): Upload;
  /** Goes on with what an earlier process left; undefined, and gone, where that was no beginning of anything. */
  takeUp(left: LeftUpload): Promise<(TakenUp & { readonly upload: Upload }) | undefined>;
  /** What earlier processes, or earlier threads of this one, left and nobody has taken up; those are gone from here. */
  left(): LeftUpload[];
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

export function startIntake(
  { threads, ...data }: IntakeWorkerData & { threads: number },
  log: Logger,
): Intake {
  const budget = createByteBudget(BUDGET_BYTES);
  const names = Array.from({ length: threads }, (_, i) => String(i));
  mkdirSync(data.dir, { recursive: true });
  for (const name of readdirSync(data.dir))
    if (!names.includes(name)) rmSync(join(data.dir, name), { recursive: true, force: true });
  const pool = names.map((name) =>
    startIntakeThread({ ...data, dir: join(data.dir, name) }, { log, budget }),
  );
  /** Which thread's folder holds it. */
  const placeOf = new Map<string, IntakeThread>();
  let turn = 0;

  return {
    budget,
    open: (name) => pool[turn++ % pool.length]!.open(name),
    async takeUp(left) {
      const thread = placeOf.get(left.dir);
      return thread?.takeUp(left);
    },
    left: () =>
      pool.flatMap((thread) => {
        const left = thread.left();
        for (const { dir } of left) placeOf.set(dir, thread);
        return left;
      }),
    async close() {
      await Promise.all(pool.map((thread) => thread.close()));
    },
  };
}

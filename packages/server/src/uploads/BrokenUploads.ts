/**
 * @file Uploads whose connection broke: what has arrived of them stays in the intake thread and its spool, for their senders to
 * go on. One of a device, bounded in number, bytes and time, the oldest forgotten first. Of a task only one connection sends
 * at a time: who asks about it, or sends it anew, ends the connection that still seems to. What a killed process left is
 * taken up from its file when its sender asks.
 */
import type { HashHex } from '@alice/protocol';
import { ServerError } from '../errors.js';
import type { ServerLimits } from '../options.js';
import type { Intake, Upload } from './Intake.js';
import { type LeftUpload, removeLeft, type UploadName } from './Spool.js';

export interface BrokenUpload {
  readonly digest: HashHex;
  readonly head: Uint8Array;
  readonly upload: Upload;
  /** Bytes that have arrived. */
  readonly sizeBytes: number;
}

/** An upload that a connection sends. */
export interface Sending {
  /** All of it is here: nobody may end it any more. */
  completed(): void;
  /** The connection broke; what it sent is kept. */
  broke(broken: Omit<BrokenUpload, 'digest'>): void;
  /** It came to an end, whichever. To be called last. */
  ended(): void;
}

export interface BrokenUploads {
  /** What is there of the task's submission, once no connection sends it any more. */
  find(taskId: string): Promise<BrokenUpload | undefined>;
  /** A connection begins, with nothing; `interrupt` ends it. What was there is forgotten. */
  begin(name: UploadName, sender: Sender): Promise<Sending>;
  /** A connection goes on. Throws `UPLOAD_UNKNOWN`, `UPLOAD_DIFFERS`, `UPLOAD_OFFSET_WRONG`. */
  goOn(
    name: UploadName,
    offsetBytes: number,
    sender: Sender,
  ): Promise<{ sending: Sending; broken: BrokenUpload }>;
  /** The task has been answered. */
  forget(taskId: string): void;
  readonly size: number;
  readonly sizeBytes: number;
  /** Stops forgetting; what is there stays for the next process. */
  close(): void;
}

interface Sender {
  /** A device has one upload at a time. */
  readonly device: string;
  /** Ends the connection; `broke` follows. */
  interrupt(): void;
}

const SWEEP_EVERY_MS = 60_000;

type Limits = Pick<ServerLimits, 'brokenUploads' | 'brokenUploadBytes' | 'brokenUploadMs'>;
interface Kept {
  readonly device: string | undefined;
  readonly sinceMs: number;
  /** The file alone, until somebody asks. */
  readonly what: BrokenUpload | LeftUpload;
}
interface Active {
  isComplete: boolean;
  readonly sender: Sender;
  readonly ended: Promise<void>;
}

export function createBrokenUploads(
  intake: Intake,
  { limits, now = Date.now }: { limits: Limits; now?: () => number },
): BrokenUploads {
  /** By task, oldest first. */
  const kept = new Map<string, Kept>();
  const active = new Map<string, Active>();
  let sizeBytes = 0;

  const take = (taskId: string): Kept | undefined => {
    const found = kept.get(taskId);
    if (!found) return undefined;
    kept.delete(taskId);
    sizeBytes -= found.what.sizeBytes;
    return found;
  };
  const forget = (taskId: string): void => {
    const found = take(taskId);
    if (!found) return;
    if ('upload' in found.what) found.what.upload.drop();
    else removeLeft(found.what);
  };
  const sweep = (): void => {
    for (const [taskId, { sinceMs }] of kept) {
      const isTooMuch = kept.size > limits.brokenUploads || sizeBytes > limits.brokenUploadBytes;
      if (isTooMuch || now() - sinceMs > limits.brokenUploadMs) forget(taskId);
    }
  };
  const keep = (taskId: string, entry: Kept): void => {
    forget(taskId);
    for (const [other, { device }] of kept)
      if (device !== undefined && device === entry.device) forget(other);
    kept.set(taskId, entry);
    sizeBytes += entry.what.sizeBytes;
    sweep();
  };
  const lookAtLeft = (): void => {
    for (const what of intake.left().reverse()) {
      take(what.taskId); // of a thread that is gone, or the same file
      keep(what.taskId, { device: undefined, sinceMs: what.modifiedMs, what });
    }
  };
  lookAtLeft();
  const sweeping = setInterval(sweep, Math.min(SWEEP_EVERY_MS, limits.brokenUploadMs)).unref();

  const settled = async (taskId: string): Promise<void> => {
    for (let other = active.get(taskId); other; other = active.get(taskId)) {
      if (!other.isComplete) other.sender.interrupt();
      await other.ended;
    }
    lookAtLeft();
  };
  const find = async (taskId: string): Promise<BrokenUpload | undefined> => {
    await settled(taskId);
    const found = kept.get(taskId);
    if (!found) return undefined;
    if ('upload' in found.what) return found.what;
    take(taskId);
    const taken = await intake.takeUp(found.what);
    if (!taken) return undefined;
    const what = { ...taken, digest: found.what.digest };
    keep(taskId, { ...found, what });
    return what;
  };
  const send = (name: UploadName, sender: Sender): Sending => {
    let end = (): void => undefined;
    const mine: Active = { isComplete: false, sender, ended: new Promise((resolve) => (end = resolve)) };
    active.set(name.taskId, mine);
    return {
      completed() {
        mine.isComplete = true;
      },
      broke: (broken) =>
        keep(name.taskId, {
          device: sender.device,
          sinceMs: now(),
          what: { ...broken, digest: name.digest },
        }),
      ended() {
        active.delete(name.taskId);
        end();
      },
    };
  };

  const inTurn = createTurns();

  return {
    find: (taskId) => inTurn(taskId, () => find(taskId)),
    begin: (name, sender) =>
      inTurn(name.taskId, async () => {
        await settled(name.taskId);
        forget(name.taskId);
        return send(name, sender);
      }),
    goOn: (name, offsetBytes, sender) =>
      inTurn(name.taskId, async () => {
        const broken = await find(name.taskId);
        if (!broken) throw unknown();
        if (broken.digest !== name.digest) throw differs();
        if (broken.sizeBytes !== offsetBytes) throw wrongOffset(broken.sizeBytes, offsetBytes);
        take(name.taskId);
        return { sending: send(name, sender), broken };
      }),
    forget,
    close: () => clearInterval(sweeping),
    get size() {
      return kept.size;
    },
    get sizeBytes() {
      return sizeBytes;
    },
  };
}

/** Runs what is asked about one task one after the other. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <T>(taskId: string, work: () => Promise<T>): Promise<T> => {
    const result = (last.get(taskId) ?? Promise.resolve()).then(work);
    const ended = result
      .catch(() => undefined)
      .then(() => {
        if (last.get(taskId) === ended) last.delete(taskId);
      });
    last.set(taskId, ended);
    return result;
  };
}

function unknown(): ServerError {
  return new ServerError(
    { code: 'UPLOAD_UNKNOWN' },
    'nothing is kept here of this submission: send all of it',
  );
}

function differs(): ServerError {
  return new ServerError(
    { code: 'UPLOAD_DIFFERS' },
    'what is kept of this submission was announced with another digest: send all of it',
  );
}

function wrongOffset(offsetBytes: number, asked: number): ServerError {
  return new ServerError(
    { code: 'UPLOAD_OFFSET_WRONG', offsetBytes },
    `${offsetBytes} bytes of this submission are here, not ${asked}: send from there`,
  );
}

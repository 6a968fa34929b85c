/**
 * @file Lets go of downloads that nobody takes: a reader that stops reading would keep its connection, a file and what has been
 * read of it for as long as it likes. Measured is only the time in which bytes wait for the reader, never the time in which
 * the reader waits for us (bandwidth, disk). Bytes must be written in parts: of one write nobody sees how much was taken.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Slower than this while bytes wait is stuck, as for uploads. */
const SLOWEST_BYTES_PER_SEC = 16_000;
/** Looks in the time after which a reader is let go. */
const LOOKS = 6;

export interface SlowReaders {
  watch(response: ServerResponse): void;
  close(): void;
}

interface Reader {
  readonly socket: Socket;
  takenBytes: number;
  /** At the last look. */
  isWaiting: boolean;
  /** Since when bytes have been waiting at every look: how long, and how many were taken. */
  waitedMs: number;
  waitedBytes: number;
}

/** `onEnded` is told of each that is let go. */
export function endSlowReaders({ idleMs, onEnded }: { idleMs: number; onEnded: () => void }): SlowReaders {
  const readers = new Set<Reader>();
  const everyMs = idleMs / LOOKS;
  const timer = setInterval(() => {
    for (const reader of readers)
      if (isStuck(reader, { everyMs, idleMs })) {
        readers.delete(reader);
        reader.socket.destroy();
        onEnded();
      }
  }, everyMs).unref();
  return {
    watch(response) {
      const { socket } = response;
      if (!socket) return;
      const reader = { socket, takenBytes: takenOf(socket), isWaiting: false, waitedMs: 0, waitedBytes: 0 };
      readers.add(reader);
      response.once('close', () => readers.delete(reader));
    },
    close: () => clearInterval(timer),
  };
}

function isStuck(reader: Reader, { everyMs, idleMs }: { everyMs: number; idleMs: number }): boolean {
  const { socket } = reader;
  const taken = takenOf(socket);
  const isWaiting = socket.writableLength > 0;
  // What the system's own buffers took before the first look at which bytes waited says nothing of the reader.
  const hasWaited = isWaiting && reader.isWaiting;
  reader.waitedMs = hasWaited ? reader.waitedMs + everyMs : 0;
  reader.waitedBytes = hasWaited ? reader.waitedBytes + taken - reader.takenBytes : 0;
  reader.takenBytes = taken;
  reader.isWaiting = isWaiting;
  return reader.waitedMs >= idleMs && reader.waitedBytes < (SLOWEST_BYTES_PER_SEC * reader.waitedMs) / 1000;
}

/** What the system has taken of what was written. */
const takenOf = ({ bytesWritten, writableLength }: Socket): number => bytesWritten - writableLength;

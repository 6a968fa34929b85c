/**
 * @file The status, built at most once per change or second however many ask, and pushed to listeners at most once a
 * second. A failing build is reported to whoever asked and to the log, never thrown at a timer.
 */
import { type Logger, messageOf, type NetworkStatus } from '@alice/protocol';

export interface StatusCache {
  read(): Promise<NetworkStatus>;
  /** Something the status shows has changed. */
  changed(): void;
  /** Sends the status as JSON text now and after changes; returns how to stop. */
  subscribe(listener: (text: string) => void): () => void;
  close(): void;
}

const MAX_AGE_MS = 1_000;
const PUSH_EVERY_MS = 1_000;

export function createStatusCache(build: () => Promise<NetworkStatus>, log: Logger): StatusCache {
  const listeners = new Set<(text: string) => void>();
  let cached: { status: Promise<NetworkStatus>; builtMs: number } | undefined;
  let push: NodeJS.Timeout | undefined;
  let isClosed = false;

  const read = (): Promise<NetworkStatus> => {
    if (!cached || performance.now() - cached.builtMs > MAX_AGE_MS) {
      const status = build();
      cached = { status, builtMs: performance.now() };
      status.catch(() => {
        cached = undefined;
      });
    }
    return cached.status;
  };
  const send = async (to: Iterable<(text: string) => void>): Promise<void> => {
    try {
      const text = JSON.stringify(await read());
      for (const listener of to) listener(text);
    } catch (error) {
      if (!isClosed) log.warn('Status could not be built', { error: messageOf(error) });
    }
  };

  return {
    read,
    changed() {
      cached = undefined;
      if (push || listeners.size === 0 || isClosed) return;
      push = setTimeout(() => {
        push = undefined;
        void send([...listeners]);
      }, PUSH_EVERY_MS);
    },
    subscribe(listener) {
      listeners.add(listener);
      void send([listener]);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      clearTimeout(push);
      listeners.clear();
    },
  };
}

/**
 * @file The life of one Alice process: it says when it is ready, stops cleanly on SIGINT, SIGTERM, SIGHUP or when its parent
 * is gone (so a killed `alice up` leaves no orphans), and exits with the code of what went wrong.
 */

export interface ReadyMessage {
  readonly type: 'ready';
  readonly url?: string;
  readonly facts?: Record<string, string | number>;
}

export interface Lifecycle {
  /** Aborted when the process should stop. */
  readonly signal: AbortSignal;
  /** Tells the supervising parent, where there is one, that this process can be used. */
  ready(message?: Omit<ReadyMessage, 'type'>): void;
  /** Resolves when the process should stop. */
  readonly stopped: Promise<void>;
}

export function createLifecycle(): Lifecycle {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130); // asked twice: the person is in a hurry
    stop();
  });
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop); // the terminal was closed; shells say it a second time
  if (process.send) process.on('disconnect', () => controller.abort()); // the supervisor is gone
  const stopped = new Promise<void>((resolve) =>
    controller.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  return {
    signal: controller.signal,
    stopped,
    ready: (message = {}) => {
      process.send?.({ type: 'ready', ...message } satisfies ReadyMessage);
    },
  };
}

/**
 * @file Lets requests wait for news without polling: a waiter resolves at the next `wake`, at its time limit, when its
 * request ends, or when the server does. Holds no state of its own that matters: a missed wake-up only costs a waiter its
 * time limit. Thousands wait here, so that each is kept small.
 */

export interface Waiters {
  /** True when woken, false when the time ran out, or the request or the server ended. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
  wake(): void;
  /** Nobody waits from now on. */
  end(): void;
  readonly size: number;
}

export function createWaiters(): Waiters {
  const waiting = new Set<(woken: boolean) => void>();
  let hasEnded = false;
  return {
    get size() {
      return waiting.size;
    },
    wake() {
      for (const resolve of [...waiting]) resolve(true);
    },
    end() {
      hasEnded = true;
      for (const resolve of [...waiting]) resolve(false);
    },
    wait: (timeoutMs, signal) =>
      new Promise((resolve) => {
        const settle = (woken: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', abort);
          waiting.delete(settle);
          resolve(woken);
        };
        const abort = (): void => settle(false);
        const timer = setTimeout(abort, timeoutMs);
        if (signal.aborted || hasEnded) return abort();
        signal.addEventListener('abort', abort, { once: true });
        waiting.add(settle);
      }),
  };
}

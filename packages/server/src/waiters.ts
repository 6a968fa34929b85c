/**
 * @file Lets requests wait for news without polling: a waiter resolves at the next `wake`, at its time limit, or when
 * its request ends. Holds no state of its own that matters: a missed wake-up only costs a waiter its time limit.
 */

export interface Waiters {
  /** True when woken, false when the time ran out or the request ended. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<boolean>;
  wake(): void;
  readonly size: number;
}

export function createWaiters(): Waiters {
  const waiting = new Set<(woken: boolean) => void>();
  return {
    get size() {
      return waiting.size;
    },
    wake() {
      for (const resolve of [...waiting]) resolve(true);
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
        if (signal.aborted) return abort();
        signal.addEventListener('abort', abort, { once: true });
        waiting.add(settle);
      }),
  };
}

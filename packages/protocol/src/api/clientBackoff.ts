/**
 * @file How long to wait before asking again: exponential with jitter, never sooner than the server asked for
 * (SPEC REG-3). Chance comes in as an argument. Method: "equal jitter" of Brooker, "Exponential Backoff And Jitter".
 */

export interface BackoffOptions {
  /** Longest wait before the first repetition, milliseconds. */
  readonly firstMs: number;
  /** The waits stop growing here, milliseconds. */
  readonly longestMs: number;
}
export const defaultBackoff: BackoffOptions = { firstMs: 500, longestMs: 30_000 };

/** A server that asks for longer than this is asked again anyway, milliseconds. */
export const LONGEST_RETRY_AFTER_MS = 600_000;

/**
 * The wait after `failures` failures in a row (1, 2, …). Formula: w = min(longest, first·2^(failures−1)); half of w is
 * certain and half is chance; with a Retry-After r the wait is r plus up to a quarter of it, so that a crowd told the
 * same r does not come back at once.
 */
export function backoffMs(
  failures: number,
  random: () => number,
  retryAfterMs: number | null,
  options = defaultBackoff,
): number {
  const ceiling = Math.min(options.longestMs, options.firstMs * 2 ** Math.min(failures - 1, 30));
  const own = ceiling / 2 + (random() * ceiling) / 2;
  if (retryAfterMs === null) return own;
  const asked = Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
  return Math.max(own, asked * (1 + random() / 4));
}

/** `Retry-After` in seconds or as an HTTP date → milliseconds from `nowMs`; null when absent or unreadable. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}(\.\d+)?$/.test(header.trim())) return Math.ceil(Number(header) * 1000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * @file HTTP requests that outlive a bad network: time limits, and retries with growing, jittered waits that honour
 * Retry-After. Tokens go only to the host they are for, over TLS or to this machine, and never into a message.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@alice/protocol';
import { DataError } from '../../errors.js';

export interface WebAccess {
  /** Bearer token for requests to `tokenOrigin`; redirects to other hosts go without it. */
  readonly token?: string | undefined;
  readonly tokenOrigin?: string | undefined;
  /** Waits, given milliseconds; tests pass their own. */
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<unknown>) | undefined;
  /** In [0, 1), for the jitter. */
  readonly random?: (() => number) | undefined;
  /** How long a body may bring nothing (or next to nothing) before it is asked for again. */
  readonly stallMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const TRIES = 7;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** Time for an answer to begin; the body has its own limit (`remoteBytes`). */
const ANSWER_MS = 30_000;

/**
 * The answer to a GET or HEAD: 2xx, or 416. Throws `SOURCE_INSECURE`, `SOURCE_MISSING`, `SOURCE_FORBIDDEN`,
 * `SOURCE_UNREACHABLE`; the signal's reason when aborted.
 */
export async function fetchWithRetries(
  url: string,
  access: WebAccess,
  init: { readonly method?: 'GET' | 'HEAD'; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  requireSecure(url);
  for (let tried = 1; ; tried++) {
    const outcome = await attempt(url, access, init);
    // Where a redirect led to.
    if (outcome instanceof Response && outcome.url !== '') requireSecure(outcome.url);
    if (outcome instanceof Response && (outcome.ok || outcome.status === 416)) return outcome;
    if (outcome instanceof Response) {
      await outcome.body?.cancel().catch(() => undefined);
      const refusal = refusalOf(url, outcome.status);
      if (refusal !== null) throw refusal;
    }
    const reason = outcome instanceof Response ? `status ${outcome.status}` : outcome.reason;
    if (tried === TRIES) throw unreachable(url, `${reason}, ${TRIES} times`);
    await pause(tried, access, outcome instanceof Response ? outcome.headers.get('retry-after') : null);
  }
}

/** Waits before the next try; doubling, with jitter, at least what the server asks for. */
export async function pause(tried: number, access: WebAccess, retryAfter: string | null): Promise<void> {
  const { wait = (ms, signal) => delay(ms, undefined, signal ? { signal } : {}), random = Math.random } =
    access;
  const grown = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tried - 1)) * (0.5 + random() / 2);
  const asked = Math.min(10 * LONGEST_WAIT_MS, 1000 * Number(retryAfter ?? 0) || 0);
  await wait(Math.max(grown, asked), access.signal);
  access.signal?.throwIfAborted();
}

async function attempt(
  url: string,
  { token, tokenOrigin, signal }: WebAccess,
  { method = 'GET', headers = {} }: { method?: 'GET' | 'HEAD'; headers?: Readonly<Record<string, string>> },
): Promise<Response | { reason: string }> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error('no answer in time')), ANSWER_MS);
  try {
    const isForToken = token !== undefined && new URL(url).origin === tokenOrigin;
    return await fetch(url, {
      method,
      // Bytes as they are stored: offsets and hashes are of those.
      headers: {
        'accept-encoding': 'identity',
        ...headers,
        ...(isForToken ? { authorization: `Bearer ${token}` } : {}),
      },
      signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    const cause = (error as { cause?: unknown }).cause;
    return { reason: cause === undefined ? messageOf(error) : messageOf(cause) };
  } finally {
    clearTimeout(timer);
  }
}

function refusalOf(url: string, status: number): DataError | null {
  if (status === 401 || status === 403)
    return new DataError(
      { code: 'SOURCE_FORBIDDEN', path: url, status },
      `${url} is refused (status ${status}): accept the data set's terms on its page, and put an access token into the ` +
        'environment variable HF_TOKEN',
    );
  if (status === 404 || status === 410)
    return new DataError(
      { code: 'SOURCE_MISSING', path: url },
      `there is nothing at ${url}: check the address`,
    );
  if (status < 500 && status !== 408 && status !== 425 && status !== 429)
    return unreachable(url, `status ${status}`);
  return null;
}

export function unreachable(url: string, reason: string): DataError {
  return new DataError(
    { code: 'SOURCE_UNREACHABLE', path: url, reason },
    `${url} cannot be read (${reason}): check the network, then run the same command again; it goes on where it was`,
  );
}

// SPEC REG-3
function requireSecure(url: string): void {
  const { protocol, hostname } = new URL(url);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isHere)) return;
  throw new DataError(
    { code: 'SOURCE_INSECURE', path: url },
    `${url} is not a secure address: use https (http is only for this machine)`,
  );
}

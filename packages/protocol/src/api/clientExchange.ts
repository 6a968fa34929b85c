/**
 * @file One HTTP exchange with a parameter server: one request, one answer, read within bounds of time and size. It
 * neither retries nor registers; client.ts does. Redirects are refused, since they could carry a token elsewhere.
 */
import { utf8 } from '../bytes.js';
import { messageOf } from '../errors.js';
import { parseRetryAfter } from './clientBackoff.js';
import { ServerCallError, type ServerCallErrorInfo } from './clientErrors.js';
import { contentTypeOf, type Route, type RouteName, routes } from './routes.js';

export interface ExchangeRequest {
  readonly route: RouteName;
  readonly url: string;
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes [from, to) of the answer. */
  readonly range?: { readonly from: number; readonly to: number } | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What earlier tries have received already; more is added to it. */
  readonly partial?: PartialAnswer | undefined;
  /** The exchange fails when nothing arrives for this long. */
  readonly idleTimeoutMs: number;
  /** Longer answers are refused before they are held in memory. */
  readonly maxAnswerBytes: number;
  /** Called with the bytes of the answer that are here, each time some come. */
  readonly onReceived?: ((bytes: number) => void) | undefined;
}

/** The beginning of an answer whose connection broke: the next try asks for the rest. */
export interface PartialAnswer {
  parts: Uint8Array[];
  sizeBytes: number;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly retryAfterMs: number | null;
}

/** Uploads slower than this count as stuck; only fetch's own progress is invisible, so the limit follows the size. */
const SLOWEST_UPLOAD_BYTES_PER_SEC = 16_000;

/**
 * Sends one request. Resolves for 2xx only. Throws `SERVER_UNREACHABLE`, `SERVER_REFUSED`, `SERVER_ANSWER_INVALID`
 * (too long), or the reason of `request.signal` when that is what ended it.
 */
export async function exchange(
  request: ExchangeRequest,
  fetchFn: typeof fetch,
  nowMs: () => number,
): Promise<ExchangeAnswer> {
  const watchdog = startWatchdog(request);
  try {
    const response = await fetchFn(request.url, requestInit(request, watchdog.signal));
    if (response.status !== PARTIAL_CONTENT) forget(request.partial);
    const answer = {
      status: response.status,
      bytes: await readBounded(response, request, watchdog.touch),
      retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), nowMs()),
    };
    if (response.ok) return answer;
    throw refusal(request.route, answer);
  } catch (error) {
    if (error instanceof ServerCallError) throw error;
    request.signal?.throwIfAborted();
    const why = watchdog.expired() ? 'timeout' : 'network';
    const text = why === 'timeout' ? `no answer for ${request.idleTimeoutMs} ms` : causeOf(error);
    const info = { code: 'SERVER_UNREACHABLE', route: request.route, why } as const;
    throw new ServerCallError(
      info,
      `the parameter server at ${new URL(request.url).origin} cannot be reached: ${text}`,
      { cause: error },
    );
  } finally {
    watchdog.stop();
  }
}

function requestInit(request: ExchangeRequest, signal: AbortSignal): RequestInit {
  const route: Route = routes[request.route];
  const headers: Record<string, string> = {
    ...request.headers,
    accept: route.answer === 'bytes' ? 'application/octet-stream, application/json' : 'application/json',
  };
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`;
  const range = rangeOf(request);
  if (range !== undefined) headers['range'] = range;
  const init: RequestInit = { method: route.method, headers, signal, redirect: 'error', cache: 'no-store' };
  if (route.body === undefined) return init;
  headers['content-type'] = contentTypeOf(route);
  init.body =
    route.body === 'bytes' ? (request.body as Uint8Array<ArrayBuffer>) : JSON.stringify(request.body);
  return init;
}

const PARTIAL_CONTENT = 206;

function rangeOf({ range, partial }: ExchangeRequest): string | undefined {
  const received = partial?.sizeBytes ?? 0;
  if (range !== undefined) return `bytes=${range.from + received}-${range.to - 1}`;
  return received > 0 ? `bytes=${received}-` : undefined;
}

/** The server sends all of it, or something else: what came before is no beginning of that. */
function forget(partial: PartialAnswer | undefined): void {
  if (partial === undefined) return;
  partial.parts = [];
  partial.sizeBytes = 0;
}

/** Aborts when the caller does, or when `touch` has not been called for the idle time. */
function startWatchdog(request: ExchangeRequest) {
  const controller = new AbortController();
  let expired = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      expired = true;
      controller.abort();
    }, ms);
  };
  const onAbort = (): void => controller.abort(request.signal?.reason);
  if (request.signal?.aborted) onAbort();
  request.signal?.addEventListener('abort', onAbort, { once: true });
  const uploadBytes = request.body instanceof Uint8Array ? request.body.length : 0;
  arm(request.idleTimeoutMs + (uploadBytes / SLOWEST_UPLOAD_BYTES_PER_SEC) * 1000);
  return {
    signal: controller.signal,
    touch: () => arm(request.idleTimeoutMs),
    expired: () => expired,
    stop: () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    },
  };
}

async function readBounded(
  response: Response,
  request: ExchangeRequest,
  touch: () => void,
): Promise<Uint8Array> {
  touch();
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const received = (response.ok ? request.partial : undefined) ?? { parts: [], sizeBytes: 0 };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return join(received);
    touch();
    received.sizeBytes += value.length;
    if (received.sizeBytes > request.maxAnswerBytes) {
      await reader.cancel();
      throw invalidAnswer(request.route, '', `longer than ${request.maxAnswerBytes} bytes`);
    }
    received.parts.push(value);
    if (response.ok) request.onReceived?.(received.sizeBytes);
  }
}

function join({ parts, sizeBytes }: PartialAnswer): Uint8Array {
  const joined = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The error for an answer that is not what the route table promises. */
export function invalidAnswer(route: RouteName, path: string, why: string): ServerCallError {
  const place = path === '' ? '' : ` at ${path}`;
  return new ServerCallError(
    { code: 'SERVER_ANSWER_INVALID', route, path },
    `the server's answer to "${route}" is not valid${place}: ${why}; the two programs may be of different versions`,
  );
}

function refusal(route: RouteName, { status, bytes, retryAfterMs }: ExchangeAnswer): ServerCallError {
  const { code, message, detail } = errorBody(bytes, status);
  const info: ServerCallErrorInfo = {
    code: 'SERVER_REFUSED',
    route,
    status,
    refusal: code,
    retryAfterMs,
    detail,
  };
  return new ServerCallError(
    info,
    `the server refused "${route}" with ${code}${message === '' ? '' : `: ${message}`}`,
  );
}

/** The server's code, sentence and facts; a proxy's page in between becomes `HTTP_<status>`. */
function errorBody(
  bytes: Uint8Array,
  status: number,
): { code: string; message: string; detail: Record<string, unknown> } {
  const anonymous = { code: `HTTP_${status}`, message: '', detail: {} };
  try {
    const body: unknown = JSON.parse(utf8.decode(bytes));
    if (typeof body !== 'object' || body === null) return anonymous;
    const { code, message, info } = body as Record<string, unknown>;
    if (typeof code !== 'string' || !/^[A-Z0-9_]{1,64}$/.test(code)) return anonymous;
    const detail = typeof info === 'object' && info !== null ? (info as Record<string, unknown>) : {};
    return { code, message: typeof message === 'string' ? message.slice(0, 300) : '', detail };
  } catch {
    return anonymous; // not JSON: the answer of something between us and the server
  }
}

/** `fetch failed` says nothing; its cause does (`ECONNREFUSED`, `ENOTFOUND`, …). */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: unknown } | null)?.cause;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? `${code}${certificateHint(code)}` : messageOf(cause ?? error);
}

/** Why a certificate is not believed, and what to do; nothing for other codes. */
function certificateHint(code: string): string {
  if (code === 'CERT_HAS_EXPIRED')
    return ' (its certificate is out of date, or the clock of this computer is wrong)';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return ' (its certificate is for another address than this one)';
  return /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)
    ? ' (nobody whom this computer trusts has signed its certificate: if it is yours, name it with --ca FILE)'
    : '';
}

/**
 * @file JSON-RPC 2.0 over HTTP: one call, one answer, a time limit and a signal. Knows nothing of the chain. A call is
 * never repeated here, since an extrinsic must not be sent twice unnoticed.
 */
import { messageOf } from '../errors.js';
import { ChainError } from './errors.js';

export interface JsonRpcOptions {
  readonly url: string;
  /** Longest wait for one answer, milliseconds. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * The `result` of one call, unchecked.
 * Throws `CHAIN_UNREACHABLE`, `CHAIN_RPC_ERROR`, `CHAIN_BAD_ANSWER`, or the reason of an aborted signal.
 */
export async function jsonRpc(
  options: JsonRpcOptions,
  { method, params = [], signal }: RpcCall,
): Promise<unknown> {
  const text = await post(options, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), signal);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw badAnswer(method, 'not JSON');
  }
  if (typeof answer !== 'object' || answer === null) throw badAnswer(method, 'not a JSON-RPC answer');
  if ('error' in answer && answer.error) throw rpcError(method, answer.error);
  if (!('result' in answer)) throw badAnswer(method, 'neither result nor error');
  return answer.result;
}

/** An answer that is not what the method promises. */
export function badAnswer(method: string, detail: string): ChainError {
  return new ChainError(
    { code: 'CHAIN_BAD_ANSWER', method, detail },
    `the node answered ${method} in a way this program does not understand (${detail})`,
  );
}

async function post(
  { url, timeoutMs, fetch }: JsonRpcOptions,
  body: string,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const onAbort = (): void => limit.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body, signal: limit.signal });
    const text = await response.text();
    if (!response.ok && !text.startsWith('{')) throw unreachable(url, `HTTP ${response.status}`);
    return text;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ChainError) throw error;
    throw unreachable(
      url,
      limit.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error),
      error,
    );
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Node's fetch hides why behind `cause`. */
function reasonOf(error: unknown): string {
  return messageOf((error as { cause?: unknown } | null)?.cause ?? error);
}

function unreachable(url: string, reason: string, cause?: unknown): ChainError {
  return new ChainError(
    { code: 'CHAIN_UNREACHABLE', url, reason },
    `the chain node at ${url} does not answer (${reason}): is it running, and is the address right?`,
    { cause },
  );
}

function rpcError(method: string, error: unknown): ChainError {
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
  const rpcCode = typeof code === 'number' ? code : 0;
  const detail = [message, data]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, 300);
  return new ChainError(
    { code: 'CHAIN_RPC_ERROR', method, rpcCode, detail },
    `the node refused ${method}: ${detail} (${rpcCode})`,
  );
}

/**
 * @file JSON-RPC 2.0: one request text in, one response text out. It parses, finds the handler, and turns every error
 * into a code; no input can make it throw. Notifications of a new subscription are held back until the response that
 * names the subscription is on its way.
 */
import { randomBytes } from 'node:crypto';
import { isCodedError, messageOf } from '@alice/protocol';
import { type NodeErrorInfo, RPC_CODE, rpcError } from '../errors.js';
import type { Json, RpcContext } from './context.js';
import { methods } from './methods.js';
import { isModern, type ModernRequest } from './modernMethods.js';
import { Params } from './Params.js';
import { subscriptions, unsubscribeNames } from './subscriptions.js';

export interface RpcLimits {
  readonly bodyBytes: number;
  readonly batchLength: number;
  readonly connections: number;
  readonly subscriptionsPerConnection: number;
  /** Open connections per remote address; addresses of this machine are not counted. */
  readonly connectionsPerAddress: number;
  /** Requests per second per remote address, with bursts of ten times as many; this machine's are not counted. */
  readonly requestsPerSecondPerAddress: number;
}

export const defaultRpcLimits: RpcLimits = {
  bodyBytes: 15 * 2 ** 20,
  batchLength: 256,
  connections: 512,
  subscriptionsPerConnection: 1024,
  connectionsPerAddress: 64,
  requestsPerSecondPerAddress: 200,
};

/** One client's side: where notifications go, and what it is subscribed to. HTTP has none. */
export interface RpcConnection {
  readonly subscriptions: Map<string, () => void>;
  send(message: Json): void;
  /** Set once the client is gone: nothing may be opened for it any more. */
  isClosed?: boolean;
  /** Takes requests of the `_v1_` methods, which answer by `send`; absent where they cannot be served. */
  modern?(request: ModernRequest): void;
}

export interface RpcAnswer {
  /** `undefined` when there is nothing to answer: only notifications came in. */
  readonly response: Json | undefined;
  /** To be called once the response is on its way. */
  afterwards(): void;
}

interface Request {
  readonly id: string | number | null | undefined;
  readonly method: string;
  readonly params: unknown;
}

export class RpcDispatcher {
  readonly #context: RpcContext;
  readonly #limits: RpcLimits;

  constructor(context: RpcContext, limits: RpcLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  /** Answers a request or a batch: at once, or later where a method takes time. Never throws, never rejects. */
  handle(text: string, connection: RpcConnection | undefined): RpcAnswer | Promise<RpcAnswer> {
    try {
      return this.handleMessage(JSON.parse(text), connection);
    } catch {
      return {
        response: failure(null, rpcError(RPC_CODE.parse, 'Parse error')),
        afterwards: () => undefined,
      };
    }
  }

  /** The same for a message that is parsed already. */
  handleMessage(message: unknown, connection: RpcConnection | undefined): RpcAnswer | Promise<RpcAnswer> {
    const later: (() => void)[] = [];
    const afterwards = (): void => {
      for (const action of later) action();
    };
    const answered = (response: Json | undefined): RpcAnswer => ({ response, afterwards });
    if (!Array.isArray(message)) return after(this.#one(message, connection, later), answered);
    const refusal = this.#batchRefusal(message);
    if (refusal) return answered(failure(null, refusal));
    const responses = message.map((item) => this.#one(item, connection, later));
    const collected = (all: readonly (Json | undefined)[]): RpcAnswer => {
      const present = all.filter((item) => item !== undefined);
      return answered(present.length > 0 ? present : undefined);
    };
    return responses.some((response) => response instanceof Promise)
      ? Promise.all(responses).then(collected)
      : collected(responses as (Json | undefined)[]);
  }

  #batchRefusal(batch: readonly unknown[]): Error | undefined {
    if (batch.length === 0) return rpcError(RPC_CODE.invalidRequest, 'Invalid request', 'an empty batch');
    if (batch.length <= this.#limits.batchLength) return undefined;
    const most = this.#limits.batchLength;
    return rpcError(RPC_CODE.oversizedBatch, 'The batch request was too large', `at most ${most} requests`);
  }

  #one(
    message: unknown,
    connection: RpcConnection | undefined,
    later: (() => void)[],
  ): Json | undefined | Promise<Json | undefined> {
    const request = requestOf(message);
    if (!request) return failure(null, rpcError(RPC_CODE.invalidRequest, 'Invalid request'));
    const { id } = request;
    const done = (result: Json): Json | undefined =>
      id === undefined ? undefined : { jsonrpc: '2.0', id, result };
    const failed = (error: unknown): Json | undefined => {
      this.#report(request.method, error);
      return id === undefined ? undefined : failure(id, error);
    };
    try {
      if (connection?.modern && isModern(request.method)) return void connection.modern(request);
      const result = this.#result(request, connection, later);
      return result instanceof Promise ? result.then(done, failed) : done(result);
    } catch (error) {
      return failed(error);
    }
  }

  #result(
    { method, params }: Request,
    connection: RpcConnection | undefined,
    later: (() => void)[],
  ): Json | Promise<Json> {
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handler) return handler(this.#context, new Params(params));
    if (connection && Object.hasOwn(subscriptions, method))
      return this.#subscribe(method, new Params(params), { connection, later });
    if (connection && unsubscribeNames.has(method)) return unsubscribed(connection, new Params(params));
    const hint = connection ? undefined : needsWebSocket(method);
    throw rpcError(RPC_CODE.methodNotFound, 'Method not found', hint);
  }

  #subscribe(
    method: string,
    params: Params,
    to: { connection: RpcConnection; later: (() => void)[] },
  ): Json | Promise<Json> {
    const { connection, later } = to;
    const most = this.#limits.subscriptionsPerConnection;
    if (connection.subscriptions.size >= most)
      throw rpcError(
        RPC_CODE.tooManySubscriptions,
        'Too many subscriptions on the connection',
        `at most ${most}`,
      );
    const { notification, start } = subscriptions[method]!;
    const id = randomBytes(8).toString('hex');
    const held: Json[] = [];
    let isLive = false;
    let hasEnded = false;
    const send = (result: Json): void => {
      const message = { jsonrpc: '2.0', method: notification, params: { subscription: id, result } };
      if (isLive) connection.send(message);
      else held.push(message);
    };
    const end = (): void => {
      hasEnded = true;
      connection.subscriptions.get(id)?.();
      connection.subscriptions.delete(id);
    };
    const opened = (stop: () => void): Json => {
      if (hasEnded || connection.isClosed) stop();
      else connection.subscriptions.set(id, stop);
      later.push(() => {
        isLive = true;
        for (const message of held) connection.send(message);
      });
      return id;
    };
    return after(start(this.#context, params, { send, end }), opened);
  }

  /** What is nobody's fault but ours is logged; refusals are everyday business. */
  #report(method: string, error: unknown): void {
    if (isCodedError(error)) return;
    this.#context.log.error('An RPC method failed', { method: method.slice(0, 80), error: messageOf(error) });
  }
}

/** `next(value)`, at once unless the value is still to come. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function unsubscribed(connection: RpcConnection, params: Params): Json {
  const id = String(params.raw(0));
  connection.subscriptions.get(id)?.();
  return connection.subscriptions.delete(id);
}

function needsWebSocket(method: string): string | undefined {
  const needs = Object.hasOwn(subscriptions, method) || isModern(method);
  return needs ? 'this method needs a WebSocket connection' : undefined;
}

function requestOf(message: unknown): Request | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return undefined;
  const { jsonrpc, id, method, params } = message as Record<string, unknown>;
  const isId = id === undefined || id === null || typeof id === 'string' || typeof id === 'number';
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId) return undefined;
  return { id, method, params };
}

/** The JSON-RPC error object of anything thrown. Details of internal errors stay in the log. */
function failure(id: string | number | null, error: unknown): Json {
  return { jsonrpc: '2.0', id, error: errorJson(error) };
}

function errorJson(error: unknown): Json {
  if (!isCodedError(error)) return { code: RPC_CODE.internal, message: 'Internal error' };
  const info = error.info as NodeErrorInfo;
  switch (info.code) {
    case 'RPC_REFUSED':
      return { code: info.rpcCode, message: error.message, data: info.data };
    case 'BLOCK_UNKNOWN':
      return { code: RPC_CODE.stateError, message: 'Client error: UnknownBlock', data: error.message };
    case 'STATE_DISCARDED':
      return {
        code: RPC_CODE.stateError,
        message: 'Client error: State already discarded',
        data: error.message,
      };
    default:
      return { code: RPC_CODE.internal, message: 'Internal error', data: info.code };
  }
}

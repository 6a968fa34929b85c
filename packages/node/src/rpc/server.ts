/**
 * @file JSON-RPC over HTTP POST and WebSocket on one port. It moves texts in and out and keeps the limits: body size,
 * connections and requests per address, slow readers, dead peers. Everything served is public and changes nothing
 * without a signature, so any web page may ask.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCodeOf, type Logger, messageOf } from '@alice/protocol';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { NodeError, RPC_CODE } from '../errors.js';
import { AddressLimiter } from './AddressLimiter.js';
import type { Json, RpcContext } from './context.js';
import { type RpcConnection, RpcDispatcher, type RpcLimits } from './dispatch.js';
import { ModernConnection } from './ModernConnection.js';

export interface RpcServerOptions {
  readonly context: RpcContext;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly limits: RpcLimits;
  readonly log: Logger;
}

export interface RpcServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A peer that lets this much pile up is cut off. */
const MOST_UNSENT_BYTES = 16 * 2 ** 20;
const HEARTBEAT_MS = 30_000;
/** Long: when a client uses a connection just as it ends, its call fails with a reset though the node is well. */
const IDLE_CONNECTION_MS = 65_000;
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, GET, OPTIONS',
  'access-control-allow-headers': 'content-type',
} as const;

/** Listens and serves until closed. Throws `PORT_BUSY`. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { context, limits, log } = options;
  const dispatcher = new RpcDispatcher(context, limits);
  const limiter = new AddressLimiter(limits);
  const service: Service = { dispatcher, limiter, limits, log, versionJson: context.runtime.versionJson };
  const settings = { requestTimeout: 30_000, keepAliveTimeout: IDLE_CONNECTION_MS };
  const http = createServer(settings, (request, response) => {
    serveHttp(service, request, response).catch((error: unknown) => {
      log.debug('An HTTP request broke off', { error: messageOf(error) });
      response.destroy();
    });
  });
  http.maxConnections = limits.connections;
  http.on('connection', (socket) => {
    const address = socket.remoteAddress;
    if (!limiter.open(address)) return void socket.destroy();
    socket.once('close', () => limiter.close(address));
  });
  const sockets = new WebSocketServer({
    server: http,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
  });
  sockets.on('connection', (socket, request) => serveSocket(service, socket, request.socket.remoteAddress));
  sockets.on('error', () => undefined); // the HTTP server's own errors, handled by `listening`
  await listening(http, options);
  const stopHeartbeat = keepAlive(sockets);
  const close = (): Promise<void> => {
    stopHeartbeat();
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    return new Promise((resolve) => {
      http.close(() => resolve());
      http.closeAllConnections();
    });
  };
  return { port: (http.address() as AddressInfo).port, close };
}

/** What serving one client needs. */
interface Service {
  readonly dispatcher: RpcDispatcher;
  readonly limiter: AddressLimiter;
  readonly limits: RpcLimits;
  readonly log: Logger;
  readonly versionJson: Readonly<Record<string, unknown>>;
}

function listening(http: Server, { host, port }: RpcServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error) => reject(errorCodeOf(error) === 'EADDRINUSE' ? portBusy(host, port) : error));
    http.listen(port, host, resolve);
  });
}

function portBusy(host: string, port: number): NodeError {
  return new NodeError(
    { code: 'PORT_BUSY', host, port },
    `port ${port} on ${host} is taken by another program: stop it, or start this node with another port`,
  );
}

async function serveHttp(
  { dispatcher, limiter, limits }: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'OPTIONS') return void response.writeHead(204, CORS).end();
  if (request.method === 'GET' && request.url === '/health') return answerHealth(dispatcher, response);
  if (request.method !== 'POST')
    return answer(response, 405, refused(RPC_CODE.invalidRequest, 'Use POST or a WebSocket'));
  const body = await readBody(request, limits.bodyBytes);
  if (body === undefined)
    return answer(response, 413, refused(RPC_CODE.oversizedRequest, 'Request is too big'));
  if (!limiter.take(request.socket.remoteAddress, costOf(body))) return answer(response, 429, TOO_MANY);
  const { response: result } = await dispatcher.handle(body, undefined);
  if (result === undefined) return void response.writeHead(204, CORS).end();
  answer(response, 200, result);
}

/** The same figures as `alice_health`, for probes that only know status codes. */
async function answerHealth(dispatcher: RpcDispatcher, response: ServerResponse): Promise<void> {
  const request = { jsonrpc: '2.0', id: 1, method: 'alice_health' };
  const { response: reply } = await dispatcher.handleMessage(request, undefined);
  const { result } = reply as { result: { status: string } };
  answer(response, result.status === 'ok' ? 200 : 503, result);
}

function answer(response: ServerResponse, status: number, json: Json): void {
  const headers = {
    ...CORS,
    'content-type': 'application/json',
    ...(status === 413 ? { connection: 'close' } : {}),
  };
  response.writeHead(status, headers).end(JSON.stringify(json));
}

/** What a message counts as: one request, and one more for every two thousand characters, so a batch is not one. */
const costOf = (text: string): number => 1 + (text.length >> 11);

const TOO_MANY = refused(RPC_CODE.limitExceeded, 'Too many requests from this address');

function refused(code: number, message: string): Json {
  return { jsonrpc: '2.0', id: null, error: { code, message } };
}

/** The body as text; `undefined` once it is longer than allowed. */
async function readBody(request: IncomingMessage, mostBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The default iterator would destroy the socket on return, and with it the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function serveSocket(
  { dispatcher, limiter, log, versionJson }: Service,
  socket: WebSocket,
  address: string | undefined,
): void {
  const send = (message: Json): void => sendText(socket, JSON.stringify(message));
  let modern: ModernConnection | undefined;
  const connection: RpcConnection = {
    subscriptions: new Map(),
    send,
    modern: (request) => {
      modern ??= new ModernConnection(dispatcher, { send }, versionJson);
      modern.send(request);
    },
  };
  const serve = async (text: string): Promise<void> => {
    const answered = dispatcher.handle(text, connection);
    // Awaiting an answer that is there already would let later messages overtake it.
    const { response, afterwards } = answered instanceof Promise ? await answered : answered;
    if (response !== undefined) send(response);
    afterwards();
  };
  socket.on('message', (data: RawData) => {
    const text = textOf(data);
    if (!limiter.take(address, costOf(text))) return send(TOO_MANY);
    serve(text).catch((error: unknown) =>
      log.error('A WebSocket request failed', { error: messageOf(error) }),
    );
  });
  socket.on('error', (error) => log.debug('A WebSocket broke', { error: messageOf(error) }));
  socket.on('close', () => {
    connection.isClosed = true;
    for (const stop of connection.subscriptions.values()) stop();
    connection.subscriptions.clear();
    modern?.close();
  });
}

function textOf(data: RawData): string {
  return Array.isArray(data)
    ? Buffer.concat(data).toString('utf8')
    : Buffer.from(data as Buffer).toString('utf8');
}

function sendText(socket: WebSocket, text: string): void {
  if (socket.readyState !== socket.OPEN) return;
  if (socket.bufferedAmount > MOST_UNSENT_BYTES) socket.terminate();
  else socket.send(text);
}

/** Pings every client and cuts off those that did not answer the ping before. */
function keepAlive(sockets: WebSocketServer): () => void {
  const answered = new WeakSet<WebSocket>();
  sockets.on('connection', (socket) => {
    answered.add(socket);
    socket.on('pong', () => answered.add(socket));
  });
  const timer = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!answered.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, HEARTBEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}

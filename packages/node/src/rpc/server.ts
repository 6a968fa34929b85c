/**
 * @file JSON-RPC over HTTP POST and WebSocket on one port. It moves texts in and out and keeps the limits: body size,
 * connections, slow readers, dead peers. Everything served is public and changes nothing without a signature, so any
 * web page may ask; bind to 127.0.0.1 (the default of the caller) unless a proxy in front limits the rate.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCodeOf, type Logger, messageOf } from '@alice/protocol';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { NodeError, RPC_CODE } from '../errors.js';
import type { Json, RpcContext } from './context.js';
import { type RpcConnection, RpcDispatcher, type RpcLimits } from './dispatch.js';

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
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, GET, OPTIONS',
  'access-control-allow-headers': 'content-type',
} as const;

/** Listens and serves until closed. Throws `PORT_BUSY`. */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { context, limits, log } = options;
  const dispatcher = new RpcDispatcher(context, limits);
  const http = createServer({ requestTimeout: 30_000 }, (request, response) => {
    serveHttp(dispatcher, { request, response, limits }).catch((error: unknown) => {
      log.debug('An HTTP request broke off', { error: messageOf(error) });
      response.destroy();
    });
  });
  http.maxConnections = limits.connections;
  const sockets = new WebSocketServer({
    server: http,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
  });
  sockets.on('connection', (socket) => serveSocket(dispatcher, socket, log));
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
  dispatcher: RpcDispatcher,
  { request, response, limits }: { request: IncomingMessage; response: ServerResponse; limits: RpcLimits },
): Promise<void> {
  if (request.method === 'OPTIONS') return void response.writeHead(204, CORS).end();
  if (request.method === 'GET' && request.url === '/health') return answerHealth(dispatcher, response);
  if (request.method !== 'POST')
    return answer(response, 405, refused(RPC_CODE.invalidRequest, 'Use POST or a WebSocket'));
  const body = await readBody(request, limits.bodyBytes);
  if (body === undefined)
    return answer(response, 413, refused(RPC_CODE.oversizedRequest, 'Request is too big'));
  const { response: result } = dispatcher.handle(body, undefined);
  if (result === undefined) return void response.writeHead(204, CORS).end();
  answer(response, 200, result);
}

/** The same figures as `alice_health`, for probes that only know status codes. */
function answerHealth(dispatcher: RpcDispatcher, response: ServerResponse): void {
  const request = '{"jsonrpc":"2.0","id":1,"method":"alice_health"}';
  const { result } = dispatcher.handle(request, undefined).response as { result: { status: string } };
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

function serveSocket(dispatcher: RpcDispatcher, socket: WebSocket, log: Logger): void {
  const connection: RpcConnection = {
    subscriptions: new Map(),
    send: (message) => sendText(socket, JSON.stringify(message)),
  };
  socket.on('message', (data: RawData) => {
    const { response, afterwards } = dispatcher.handle(textOf(data), connection);
    if (response !== undefined) connection.send(response);
    afterwards();
  });
  socket.on('error', (error) => log.debug('A WebSocket broke', { error: messageOf(error) }));
  socket.on('close', () => {
    for (const stop of connection.subscriptions.values()) stop();
    connection.subscriptions.clear();
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

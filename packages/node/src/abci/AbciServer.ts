/**
 * @file The ABCI 2.0 socket that CometBFT 0.38 to 0.40 connects to: four connections, answers in the order of the
 * requests, written out when CometBFT says `Flush`. Requests of one connection run one after the other, but `CheckTx`
 * overlaps, so that signatures can be checked in batches.
 * A request that fails is answered with an exception and reported as fatal: the specification wants the application to
 * stop rather than go on with a state of its own.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { concatBytes, type Logger, messageOf } from '@alice/protocol';
import { type Request, Response } from 'cosmjs-types/tendermint/abci/types';
import type { AbciApplication, AbciKind } from './application.js';
import { decodeRequest } from './decodeRequest.js';
import { FrameReader, framed } from './frames.js';

export interface AbciServerOptions {
  readonly application: AbciApplication;
  /** `unix:///path` or `tcp://host:port`. */
  readonly address: string;
  readonly log: Logger;
  /** A request failed: the node cannot go on. */
  onFatal(error: Error): void;
}

/** Answers are written at the latest when so many wait. */
const MOST_UNWRITTEN = 256;

export interface AbciServer {
  /** Where it listens, with the real port. */
  readonly address: string;
  close(): Promise<void>;
}

export async function startAbciServer(options: AbciServerOptions): Promise<AbciServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, options);
  });
  await listening(server, options.address);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const bound = server.address();
  const isTcp = typeof bound === 'object' && bound !== null;
  return { address: isTcp ? `tcp://${bound.address}:${bound.port}` : options.address, close };
}

function listening(server: Server, address: string): Promise<void> {
  const { protocol, hostname, port, pathname } = new URL(address);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (protocol === 'unix:') server.listen(decodeURIComponent(pathname), resolve);
    else server.listen(Number(port), hostname, resolve);
  });
}

function serve(socket: Socket, { application, log, onFatal }: AbciServerOptions): void {
  socket.setNoDelay(true);
  const reader = new FrameReader();
  let unwritten: Uint8Array[] = [];
  let order: Promise<void> = Promise.resolve();
  const write = (response: Response, isFlush: boolean): void => {
    unwritten.push(framed(Response.encode(response).finish()));
    if (!isFlush && unwritten.length < MOST_UNWRITTEN) return;
    socket.write(concatBytes(...unwritten));
    unwritten = [];
  };
  const fail = (kind: string, error: unknown): void => {
    log.error('An ABCI request failed', { kind, error: messageOf(error) });
    write(Response.fromPartial({ exception: { error: messageOf(error) } }), true);
    socket.end();
    onFatal(error instanceof Error ? error : new Error(messageOf(error)));
  };
  const take = (frame: Uint8Array): void => {
    const { kind, request } = decodeRequest(frame);
    const before = order;
    const run = (): Promise<Response> => answer(application, kind, request);
    const answered = kind === 'checkTx' ? run() : before.then(run);
    answered.catch(() => undefined); // reported below, in its turn
    order = before
      .then(() => answered)
      .then(
        (response) => write(response, kind === 'flush'),
        (error: unknown) => fail(kind, error),
      );
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) take(frame);
    } catch (error) {
      log.error('A peer does not speak ABCI', { error: messageOf(error) });
      socket.destroy();
    }
  });
  socket.on('error', (error) => log.debug('An ABCI connection broke', { error: messageOf(error) }));
}

async function answer(
  application: AbciApplication,
  kind: keyof Request,
  request: Request,
): Promise<Response> {
  if (kind === 'flush') return Response.fromPartial({ flush: {} });
  if (kind === 'echo') return Response.fromPartial({ echo: { message: request.echo!.message } });
  const handler = application[kind as AbciKind] as ((of: unknown) => unknown) | undefined;
  if (!handler) throw new Error(`ABCI method ${kind} is not offered`);
  const content = await handler.call(application, request[kind]);
  return Response.fromPartial({ [kind]: content } as Parameters<typeof Response.fromPartial>[0]);
}

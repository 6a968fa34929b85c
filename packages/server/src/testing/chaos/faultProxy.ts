/**
 * @file A reverse proxy that misbehaves when told: it stands between miners and API nodes as a balancer on a bad line, and
 * between nodes and the object store as a store that is overloaded or full. What it lets through it does not change.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * `overloaded` answers 503; `full` answers 507 to what would be stored; `cut` breaks one connection before it is
 * forwarded and the next after the work was done, so that its answer is lost.
 */
export type Fault = 'none' | 'overloaded' | 'full' | 'cut';

export interface FaultProxy {
  readonly url: string;
  fault: Fault;
  /** Breaks every connection that is open. */
  breakConnections(): void;
  close(): Promise<void>;
}

/** Forwards to one of `targets` (base URLs, asked for at every request) after another. */
export async function startFaultProxy(targets: () => readonly string[]): Promise<FaultProxy> {
  let turn = 0;
  const server = createServer((incoming, answer) => {
    turn++;
    const { fault } = proxy;
    if (fault === 'cut' && turn % 2 === 0) return void incoming.socket.destroy();
    if (fault === 'overloaded') return refuse(incoming, answer, { status: 503, code: 'SlowDown' });
    if (fault === 'full' && incoming.method === 'PUT')
      return refuse(incoming, answer, { status: 507, code: 'InsufficientStorage' });
    const all = targets();
    const target = all[turn % Math.max(1, all.length)];
    if (target === undefined) return void incoming.socket.destroy();
    forward(incoming, answer, { target, isAnswerLost: fault === 'cut' });
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: 'none',
    breakConnections: () => server.closeAllConnections(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}

function refuse(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { status, code }: { status: number; code: string },
): void {
  incoming.resume();
  incoming.on('end', () => answer.writeHead(status).end(`<Error><Code>${code}</Code></Error>`));
}

function forward(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { target, isAnswerLost }: { target: string; isAnswerLost: boolean },
): void {
  const { method, headers, url } = incoming;
  const onward = request(target + url, { method, headers, agent: false }, (reply) => {
    reply.on('error', () => answer.destroy());
    if (isAnswerLost) return void incoming.socket.destroy();
    answer.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
    reply.pipe(answer);
  });
  onward.on('error', () => incoming.socket.destroy());
  answer.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

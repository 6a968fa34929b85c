/**
 * @file Connections of one remote address at once: one host that opens thousands and says nothing must not use up those of
 * everybody. This machine, and with it a proxy that stands before the server, is not counted.
 */
import type { Server, Socket } from 'node:net';
import { isLoopback, networkOf } from './rateLimits.js';

/** Whoever has `limit` open is hung up on before a byte is read. `isExempt`: for tests. */
export function limitConnections(server: Server, limit: number, isExempt = isLoopback): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isExempt(remoteAddress)) return;
    const network = networkOf(remoteAddress);
    const count = (open.get(network) ?? 0) + 1;
    if (count > limit) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = open.get(network)! - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}

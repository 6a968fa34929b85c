/** @file Connections of one address: as many as allowed, no more, and again once one is closed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { limitConnections } from './connectionLimit.js';

it('hangs up on the connection that is one too many, and takes one when another has gone', async (t) => {
  const server = createServer();
  limitConnections(server, 2, () => false);
  server.on('connection', (socket) => socket.destroyed || socket.write('served'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  /** Whether it is served. */
  const open = async (): Promise<boolean> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  };
  assert.deepEqual([await open(), await open(), await open()], [true, true, false]);
  const first = sockets[0]!;
  const isGone = new Promise<void>((resolve) => {
    const look = (): void => {
      server.getConnections((_, n) => (n < 2 ? resolve() : setImmediate(look)));
    };
    look();
  });
  first.destroy();
  await isGone;
  assert.equal(await open(), true);
});

it('does not count this machine', async (t) => {
  const server = createServer((socket) => socket.write('served'));
  limitConnections(server, 1);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
});

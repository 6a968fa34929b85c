/** @file Readers that stop, and readers that are slow but read: the first are let go and counted, the others served to the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { it } from 'node:test';
import { partsOf } from './pacedStream.js';
import { endSlowReaders } from './slowReaders.js';

const LONG = Buffer.alloc(64 * 2 ** 20, 7);

async function serve(idleMs: number) {
  let ended = 0;
  const sockets: Socket[] = [];
  const readers = endSlowReaders({ idleMs, onEnded: () => ended++ });
  const server = createServer((_, response) => {
    readers.watch(response);
    pipeline(Readable.from(partsOf(LONG)), response, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ask = (): Socket => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    return socket;
  };
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    readers.close();
    server.closeAllConnections();
    server.close();
  };
  return { ask, close, ended: () => ended };
}

/** Until all has come, never as fast as it could. */
async function readSlowly(socket: Socket): Promise<void> {
  let bytes = 0;
  await new Promise<void>((resolve) => {
    socket.on('data', (part) => {
      bytes += part.length;
      if (bytes >= LONG.length) resolve();
      socket.pause();
      setTimeout(() => socket.resume(), 2);
    });
  });
}

it('lets go of a reader that takes nothing, and of none that reads', async (t) => {
  const { ask, close, ended } = await serve(600);
  t.after(close);
  const stopped = Array.from({ length: 3 }, ask);
  for (const socket of stopped) socket.pause();
  const reading = ask();
  const whole = readSlowly(reading);
  while (ended() < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  await whole;
  assert.equal(ended(), 3);
  assert.equal(reading.destroyed, false);
});

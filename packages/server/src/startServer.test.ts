/** @file Starting and stopping on real sockets, with the codes of everything that can be in the way. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it } from 'node:test';
import { modelLayout } from '@alice/model';
import { ServerClient, silentLogger } from '@alice/protocol';
import { startServer } from './startServer.js';
import { freePort } from './testing/freePort.js';
import { submissionFor } from './testing/TestClient.js';
import { createTinyNetwork, tinyModel } from './testing/tinyNetwork.js';

it('serves the protocol client over a socket, through a restart', async () => {
  const network = await createTinyNetwork();
  const ports = { log: silentLogger, chain: network.chain };
  let server = await startServer(network.options, ports);
  const device = { kind: 'cpu' as const, name: 'test', threads: 1, memoryBytes: 1, software: 'test' };
  const client = new ServerClient({
    url: server.url,
    member: { key: network.miner, instance: 'a', role: 'miner', device },
  });
  const { latestVersion, networkId } = await client.network();
  assert.deepEqual([latestVersion, networkId], [0, network.chain.genesis]);
  const { offer: task } = await client.nextTask(1_000);
  const bytes = await submissionFor(task!, modelLayout(tinyModel));
  const { submissionId } = await client.submit(task!.taskId, bytes);
  await server.close();
  server = await startServer({ ...network.options, port: server.port }, ports);
  assert.equal((await client.submission(submissionId)).status, 'queued');
  await server.close();
  network.remove();
});

it('says when the port is taken, and releases the folder then', async () => {
  const network = await createTinyNetwork();
  const ports = { log: silentLogger, chain: network.chain };
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const { port } = blocker.address() as { port: number };
  await assert.rejects(startServer({ ...network.options, port }, ports), {
    info: { code: 'PORT_BUSY', port },
    message: `another program listens on 127.0.0.1:${port}: stop it, or choose another port (0 takes any free one)`,
  });
  await new Promise((resolve) => blocker.close(resolve));
  await (await startServer({ ...network.options, port }, ports)).close();
  network.remove();
});

it('gives up a start that waits for its upstream when it is told to stop', { timeout: 60_000 }, async () => {
  const network = await createTinyNetwork();
  const stop = new AbortController();
  const warned: string[] = [];
  const log = {
    ...silentLogger,
    warn: (message: string) => {
      warned.push(message);
      stop.abort();
    },
  };
  const upstream = { url: `http://127.0.0.1:${await freePort()}` };
  const ports = { log, chain: network.chain, signal: stop.signal };
  await assert.rejects(startServer({ ...network.options, upstream }, ports), { name: 'AbortError' });
  assert.deepEqual(warned, ['Waiting for the upstream']);
  await (await startServer(network.options, { ...ports, signal: undefined })).close(); // the folder is free
  network.remove();
});

it('needs the chain once, to learn its network', async () => {
  const network = await createTinyNetwork();
  network.chain.isReachable = false;
  await assert.rejects(startServer(network.options, { log: silentLogger, chain: network.chain }), {
    info: { code: 'CHAIN_NEEDED' },
  });
  network.remove();
});

/**
 * @file A process of its own that is an honest client: whenever it is asked to, it times requests to the server named in its
 * arguments and sends the times back. What keeps its parent busy, attackers or training, does not stretch them.
 */
import { initCrypto, keyPairFromSecret, ServerClient } from '@alice/protocol';

const EVERY_MS = 10;

async function open(url: string): Promise<ServerClient> {
  await initCrypto();
  const device = { kind: 'cpu', name: 'lab', threads: 1, memoryBytes: 1, software: 'lab' } as const;
  const member = { key: keyPairFromSecret('//honest-probe'), instance: 'a', role: 'miner', device } as const;
  const client = new ServerClient({ url, member });
  await client.register();
  return client;
}

/** Of requests with a token check, a query and an answer of some size, one after another. */
async function answerTimesMs(client: ServerClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const askedMs = performance.now();
    await client.call(i % 2 === 0 ? 'shards' : 'latestVersion');
    times.push(performance.now() - askedMs);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return times;
}

const client = open(process.argv[2]!);
process.on('message', async (count: number) => {
  process.send!(await answerTimesMs(await client, count));
});

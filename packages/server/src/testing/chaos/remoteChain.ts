/** @file One fake chain for the nodes of several processes: its methods over HTTP, arguments and results as V8 writes them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import type { ChainPort } from '../../ports.js';

type Calls = Pick<ChainPort, 'genesisHash' | 'status' | 'submitEpoch' | 'epoch' | 'payouts' | 'balance'>;
type Method = keyof Calls;

export interface ServedChain {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveChain(chain: ChainPort): Promise<ServedChain> {
  const server = createServer((incoming, answer) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const [method, values] = deserialize(Buffer.concat(parts)) as [Method, never[]];
      const call = chain[method] as (...values: never[]) => Promise<unknown>;
      call.apply(chain, values).then(
        (result) => answer.end(serialize(result)),
        () => answer.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function connectChain(url: string): ChainPort {
  const call =
    <M extends Method>(method: M) =>
    async (...values: Parameters<Calls[M]>): Promise<Awaited<ReturnType<Calls[M]>>> => {
      const answer = await fetch(url, { method: 'POST', body: serialize([method, values]) });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (!answer.ok) throw new Error(`the chain refuses ${method}`);
      return deserialize(bytes) as Awaited<ReturnType<Calls[M]>>;
    };
  return {
    genesisHash: call('genesisHash'),
    status: call('status'),
    submitEpoch: call('submitEpoch'),
    epoch: call('epoch'),
    payouts: call('payouts'),
    balance: call('balance'),
  };
}

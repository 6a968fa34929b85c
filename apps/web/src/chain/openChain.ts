/** @file The page's one connection to the chain, opened by the first page that needs it. */
import { ChainReader } from './ChainReader.js';
import { ChainSocket } from './ChainSocket.js';
import { type ChainAddress, findChainAddress } from './chainAddress.js';

export interface OpenChain {
  readonly reader: ChainReader;
  readonly address: ChainAddress;
}

const AGAIN_MS = 2000;

let opening: Promise<OpenChain> | undefined;

/** Never rejects: while the server is away it waits, since the server says where the chain is. */
export function openChain(): Promise<OpenChain> {
  opening ??= whereItIs().then((address) => ({
    address,
    reader: new ChainReader(new ChainSocket(address.url)),
  }));
  return opening;
}

async function whereItIs(): Promise<ChainAddress> {
  for (;;) {
    try {
      return await findChainAddress();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** @file The page's one connection to the chain, opened by the first page that needs it. */
import { ChainReader } from './ChainReader.js';
import { ChainSocket } from './ChainSocket.js';
import { type ChainAddress, findChainAddress } from './chainAddress.js';

export interface OpenChain {
  readonly reader: ChainReader;
  readonly address: ChainAddress;
}

let opening: Promise<OpenChain> | undefined;

export function openChain(): Promise<OpenChain> {
  opening ??= findChainAddress().then((address) => ({
    address,
    reader: new ChainReader(new ChainSocket(address.url)),
  }));
  return opening;
}

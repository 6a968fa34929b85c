/** @file What a reader typed into the search field → the page that shows it: block number, block or extrinsic hash, address. */
import type { HashHex } from '@alice/protocol';
import type { ChainReader } from '../chain/ChainReader.js';
import { isAddress } from '../chain/ss58.js';

export type Finding = { readonly href: string } | { readonly problem: string };

export async function findOnChain(reader: ChainReader, typed: string): Promise<Finding> {
  const text = typed.trim();
  const number = text.replace(/^#|[\s\u202f_,]/g, '');
  if (/^\d{1,10}$/.test(number)) {
    const isThere = (await reader.hashOf(Number(number))) !== undefined;
    return isThere ? blockHref(number) : { problem: `the chain has no block ${number} yet` };
  }
  if (isAddress(text)) return { href: `#/explorer/account/${text}` };
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(text)) return await findHash(reader, hashOf(text));
  return {
    problem: 'type a block number, a hash of 64 hexadecimal digits, or an address that starts with a2',
  };
}

async function findHash(reader: ChainReader, hash: HashHex): Promise<Finding> {
  if ((await reader.socket.call('chain_getHeader', [hash])) !== null) return blockHref(hash);
  const status = (await reader.socket.call('alice_extrinsicStatus', [hash])) as {
    readonly status: string;
    readonly blockHash?: string;
  };
  if (status.blockHash) return blockHref(status.blockHash);
  if (status.status === 'pool') return { problem: 'this extrinsic waits in the pool for the next block' };
  return { problem: 'the node knows neither a block nor an extrinsic of this hash' };
}

const hashOf = (text: string): HashHex => `0x${text.replace(/^0x/, '').toLowerCase()}`;
const blockHref = (block: string): Finding => ({ href: `#/explorer/block/${block}` });

/** @file `system_*`: what the node and the chain are. A solo node has no peers and is never behind. */
import { publicKeyOf, SS58_PREFIX, TOKEN_DECIMALS, TOKEN_SYMBOL } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';
import type { Json, RpcContext, RpcMethod } from './context.js';
import type { Params } from './Params.js';

const NODE_NAME = 'alice-node';
const NODE_VERSION = '0.1.0';

function accountNextIndex({ engine }: RpcContext, params: Params): Json {
  return engine.nextNonce(accountOf(params.text(0)));
}

function accountOf(address: string): Uint8Array {
  try {
    return publicKeyOf(address);
  } catch {
    throw rpcError(RPC_CODE.invalidParams, 'Invalid params', 'parameter 1 must be an address of this chain');
  }
}

function syncState({ engine }: RpcContext): Json {
  const { number } = engine.chain.head.header;
  return { startingBlock: 0, currentBlock: number, highestBlock: number };
}

const properties: RpcMethod = () => ({
  ss58Format: SS58_PREFIX,
  tokenDecimals: TOKEN_DECIMALS,
  tokenSymbol: TOKEN_SYMBOL,
});

export const systemMethods = {
  system_name: () => NODE_NAME,
  system_version: () => NODE_VERSION,
  system_chain: ({ chainName }) => chainName,
  system_chainType: () => 'Live',
  system_properties: properties,
  chainSpec_v1_chainName: ({ chainName }) => chainName,
  chainSpec_v1_genesisHash: ({ engine }) => engine.chain.genesisHash,
  chainSpec_v1_properties: properties,
  system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
  system_peers: () => [],
  system_nodeRoles: () => ['Authority'],
  system_localPeerId: () => NODE_NAME,
  system_localListenAddresses: () => [],
  system_syncState: syncState,
  system_accountNextIndex: accountNextIndex,
  account_nextIndex: accountNextIndex,
} satisfies Record<string, RpcMethod>;

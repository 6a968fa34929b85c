/** @file `chain_*`: blocks and headers. Unknown hashes answer null, as Substrate does. */
import type { HexString } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';
import { headerJson, signedBlockJson } from './blockJson.js';
import type { Json, RpcContext, RpcMethod } from './context.js';
import { blockNumberOf, type Params } from './Params.js';

/** How many block numbers one request may ask for. */
const MOST_NUMBERS = 1000;

function hashOfNumber({ engine }: RpcContext, value: unknown): HexString | null {
  const number = blockNumberOf(value);
  return number > 0xffff_ffff ? null : (engine.chain.blockByNumber(number)?.hash ?? null);
}

function getBlockHash(context: RpcContext, params: Params): Json {
  if (params.isAbsent(0)) return context.engine.chain.head.hash;
  const asked = params.raw(0);
  if (!Array.isArray(asked)) return hashOfNumber(context, asked);
  if (asked.length > MOST_NUMBERS)
    throw rpcError(
      RPC_CODE.invalidParams,
      'Invalid params',
      `ask for at most ${MOST_NUMBERS} blocks at once`,
    );
  return asked.map((value) => hashOfNumber(context, value));
}

function askedBlock({ engine: { chain } }: RpcContext, params: Params) {
  const hash = params.optionalHash(0);
  return hash === undefined ? chain.head : chain.blockByHash(hash);
}

function getHeader(context: RpcContext, params: Params): Json {
  const block = askedBlock(context, params);
  return block ? headerJson(block) : null;
}

function getBlock(context: RpcContext, params: Params): Json {
  const block = askedBlock(context, params);
  return block ? signedBlockJson(block) : null;
}

const getFinalizedHead: RpcMethod = ({ engine }) => engine.finalized.hash;

export const chainMethods = {
  chain_getBlock: getBlock,
  chain_getBlockHash: getBlockHash,
  chain_getHead: getBlockHash,
  chain_getHeader: getHeader,
  chain_getFinalizedHead: getFinalizedHead,
  chain_getFinalisedHead: getFinalizedHead,
} satisfies Record<string, RpcMethod>;

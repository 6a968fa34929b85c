/**
 * @file `alice_*` methods for explorers: blocks, extrinsics, events, accounts and their histories in words. All lists come
 * in pages, newest first; limits are small because every answer is put together for one reader.
 */
import type { HexString } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';
import { type Explorer, requireAddress } from '../explorer/Explorer.js';
import type { Json, RpcContext, RpcMethod } from './context.js';
import { blockNumberOf, type Params } from './Params.js';

const MOST_BLOCKS = 100;
const MOST_EXTRINSICS = 100;
const MOST_ACCOUNTS = 500;
const MOST_HISTORY = 25;

function explorerOf({ explorer }: RpcContext): Explorer {
  if (explorer) return explorer;
  throw rpcError(RPC_CODE.methodNotFound, 'Method not found', 'this node keeps no explorer index');
}

/** Block number `before`, exclusive; absent: from the newest on. */
function pageOf(params: Params, at: number, most: number): { before: number; limit: number } {
  const before = params.isAbsent(at) ? 0x1_0000_0000 : blockNumberOf(params.raw(at));
  return { before, limit: params.isAbsent(at + 1) ? most : params.count(at + 1, most) };
}

async function block(context: RpcContext, params: Params): Promise<Json> {
  const asked = params.raw(0);
  const isHash = typeof asked === 'string' && asked.length === 66;
  const which: number | HexString = isHash ? params.hash(0) : blockNumberOf(asked);
  const from = params.isAbsent(1) ? 0 : params.count(1, 0xffff_ffff);
  const limit = params.isAbsent(2) ? MOST_EXTRINSICS : params.count(2, MOST_EXTRINSICS);
  return asJson((await explorerOf(context).block(which, { from, limit })) ?? null);
}

function accounts(context: RpcContext, params: Params): Json {
  const limit = params.isAbsent(1) ? MOST_ACCOUNTS : params.count(1, MOST_ACCOUNTS);
  return asJson(explorerOf(context).accounts({ after: params.optionalBytes(0), limit }));
}

/** Descriptions are JSON already, with `undefined` where nothing is known. */
const asJson = (value: object | null): Json => value as Json;

export const explorerMethods = {
  alice_explorerStatus: (context) => asJson(explorerOf(context).status),
  alice_blocks: (context, params) => asJson(explorerOf(context).blocks(pageOf(params, 0, MOST_BLOCKS))),
  alice_block: block,
  alice_extrinsic: async (context, params) =>
    asJson((await explorerOf(context).extrinsic(params.hash(0))) ?? null),
  alice_accounts: accounts,
  alice_accountHistory: async (context, params) =>
    asJson(
      await explorerOf(context).history(requireAddress(params.text(0)), pageOf(params, 1, MOST_HISTORY)),
    ),
} satisfies Record<string, RpcMethod>;

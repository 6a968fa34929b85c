/**
 * @file What CometBFT asks of an application, in the words of ABCI 2.0. Vote extensions are not used, so their two
 * methods are missing.
 */
import type { Request, Response } from 'cosmjs-types/tendermint/abci/types';

/** The methods an application answers; `echo` and `flush` are the connection's own business. */
export type AbciKind =
  | 'info'
  | 'initChain'
  | 'checkTx'
  | 'prepareProposal'
  | 'processProposal'
  | 'finalizeBlock'
  | 'commit'
  | 'query'
  | 'listSnapshots'
  | 'offerSnapshot'
  | 'loadSnapshotChunk'
  | 'applySnapshotChunk';

export type AbciRequest<K extends AbciKind> = NonNullable<Request[K]>;
/** Fields left out have protobuf's defaults. */
export type AbciResponse<K extends AbciKind> = Partial<NonNullable<Response[K]>>;

export type AbciApplication = {
  [K in AbciKind]: (request: AbciRequest<K>) => AbciResponse<K> | Promise<AbciResponse<K>>;
};

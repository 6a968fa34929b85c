/**
 * @file Alice's state machine as CometBFT drives it. Every validator executes the decided transactions on its own and
 * answers `FinalizeBlock` with the hash of the derived Substrate header, which holds the state root; CometBFT puts it
 * into the next header as `app_hash`, so more than two thirds of the validators sign every state.
 * Invariants: nothing is written before `Commit`, so `FinalizeBlock` can be repeated after a crash; what a block does
 * depends on the state and the request only. Number and time of a block are CometBFT's.
 */
import { fromHex, type HexString, type Logger, messageOf, toHex } from '@alice/protocol';
import {
  activeValidators,
  type BlockInput,
  type BlockOutput,
  type ConsensusFacts,
  isInherent,
  type Runtime,
} from '@alice/runtime';
import { CheckTxType } from 'cosmjs-types/tendermint/abci/types';
import type { AbciApplication, AbciRequest, AbciResponse } from '../abci/application.js';
import type { Block } from '../block.js';
import type { Chain, SealedBlock } from '../Chain.js';
import { buildAround } from '../engine/buildAround.js';
import type { TransactionDesk } from '../engine/TransactionDesk.js';
import { NodeError, type NodeErrorInfo, RPC_CODE } from '../errors.js';
import type { SignatureDesk } from '../signatures/SignatureDesk.js';
import { blake2 } from '../trie/blake2.js';
import { consensusFacts, factsText, validatorUpdate } from './consensusFacts.js';
import type { StateSync } from './StateSync.js';
import { sealDigest } from './sealDigest.js';

export interface CometApplicationOptions {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly desk: TransactionDesk;
  readonly signatures: SignatureDesk;
  readonly log: Logger;
  readonly chainId: string;
  /** Snapshots offered and taken over; without it there are none. */
  readonly stateSync?: StateSync;
  onCommit(block: Block): void;
}

/** `code` of a transaction: whether it is in the derived block, and whether its call succeeded. */
const TX_CODE = { ok: 0, callFailed: 1, notIncluded: 2 } as const;
/** `ResponseProcessProposal.status`. */
const ACCEPT = 1;
const REJECT = 2;
/** `result` of the snapshot calls where no snapshots are kept: this one no, and no other either. */
const NO_SNAPSHOTS = 2;
const MOST_PER_BLOCK = 5000;
/** CometBFT counts each transaction a few bytes longer than it is. */
const FRAME_BYTES = 8;

interface Executed {
  readonly key: HexString;
  readonly input: BlockInput;
  readonly output: BlockOutput;
}

export class CometApplication implements AbciApplication {
  readonly #options: CometApplicationOptions;
  /** The last proposal that was executed, because the same one is decided most of the time. */
  #executed: Executed | undefined;
  #finalized: (Executed & { readonly sealed: SealedBlock }) | undefined;
  #lastError: string | undefined;

  constructor(options: CometApplicationOptions) {
    this.#options = options;
  }

  /** Why the last request failed, after which the node stops. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  info(): AbciResponse<'info'> {
    const { chain, runtime } = this.#options;
    const { hash, header } = chain.head;
    return {
      data: 'alice',
      version: String(runtime.versionJson['implName'] ?? ''),
      appVersion: 1n,
      lastBlockHeight: BigInt(header.number),
      // Before the first block CometBFT asks `InitChain` for it.
      lastBlockAppHash: header.number === 0 ? new Uint8Array() : fromHex(hash),
    };
  }

  initChain({ chainId, initialHeight }: AbciRequest<'initChain'>): AbciResponse<'initChain'> {
    const { chain, chainId: expected } = this.#options;
    if (chainId !== expected || initialHeight !== 1n)
      throw new NodeError(
        { code: 'COMET_GENESIS', chainId, expected },
        `CometBFT's genesis is for "${chainId}" from height ${initialHeight}, this chain is "${expected}" from height 1: use the genesis made for this chain specification`,
      );
    // None in the state leaves those of CometBFT's genesis.
    const validators = activeValidators(chain.headState).map(validatorUpdate);
    return { appHash: fromHex(chain.genesisHash), validators };
  }

  async checkTx({ tx, type }: AbciRequest<'checkTx'>): Promise<AbciResponse<'checkTx'>> {
    const { desk } = this.#options;
    // After a block the pool has been settled already: signatures and balances are not looked at again.
    if (type === CheckTxType.RECHECK)
      return desk.pool.has(toHex(blake2(tx))) ? {} : { code: TX_CODE.notIncluded };
    try {
      await desk.submit(new Uint8Array(tx));
      return {};
    } catch (error) {
      const info = error instanceof NodeError ? (error.info as NodeErrorInfo) : undefined;
      if (info?.code !== 'RPC_REFUSED') throw error;
      // Ours come back from CometBFT and are in the pool already.
      if (info.rpcCode === RPC_CODE.alreadyImported) return {};
      return { code: info.rpcCode, log: messageOf(error), info: info.data ?? '' };
    }
  }

  /** Proposes what the pool of this node holds, best first, and only what can be applied. */
  async prepareProposal(request: AbciRequest<'prepareProposal'>): Promise<AbciResponse<'prepareProposal'>> {
    const { desk } = this.#options;
    const offered = desk.pool.select({ count: MOST_PER_BLOCK, bytes: Number(request.maxTxBytes) });
    let left = Number(request.maxTxBytes);
    const chosen = offered
      .map((entry) => entry.extrinsic)
      .filter((extrinsic) => {
        left -= extrinsic.length + FRAME_BYTES;
        return left >= 0;
      });
    const { proposerAddress, localLastCommit, misbehavior } = request;
    const consensus = consensusFacts({ proposerAddress, misbehavior, lastCommit: localLastCommit });
    const { output } = await this.#execute({ ...request, txs: chosen, consensus });
    return { txs: output.extrinsics.filter((extrinsic) => !isInherent(extrinsic)) };
  }

  /** Refuses proposals with anything that cannot be applied; an honest proposer never makes one. */
  async processProposal(request: AbciRequest<'processProposal'>): Promise<AbciResponse<'processProposal'>> {
    if (Number(request.height) !== this.#options.chain.head.header.number + 1) return { status: REJECT };
    const { proposerAddress, proposedLastCommit, misbehavior } = request;
    const consensus = consensusFacts({ proposerAddress, misbehavior, lastCommit: proposedLastCommit });
    const { output } = await this.#execute({ ...request, consensus });
    return { status: output.dropped.length === 0 ? ACCEPT : REJECT };
  }

  async finalizeBlock(request: AbciRequest<'finalizeBlock'>): Promise<AbciResponse<'finalizeBlock'>> {
    const { chain, log } = this.#options;
    this.#requireNext(Number(request.height));
    for (const { type, height, validator } of request.misbehavior)
      log.warn('A validator misbehaved', {
        type,
        height: Number(height),
        validator: validator ? toHex(validator.address) : 'unknown',
      });
    const { proposerAddress, decidedLastCommit, misbehavior } = request;
    const consensus = consensusFacts({ proposerAddress, misbehavior, lastCommit: decidedLastCommit });
    const executed = await this.#execute({ ...request, consensus });
    const { input, output } = executed;
    const sealed = chain.seal(input, output, [sealDigest(request.hash)]);
    this.#finalized = { ...executed, sealed };
    return {
      txResults: txResults(request.txs, output),
      appHash: fromHex(sealed.block.hash),
      validatorUpdates: (output.validatorUpdates ?? []).map(validatorUpdate),
    };
  }

  commit(): AbciResponse<'commit'> {
    const { chain, desk, onCommit } = this.#options;
    if (!this.#finalized) throw new Error('cannot happen: CometBFT commits only what it finalized');
    const { sealed, output } = this.#finalized;
    const block = chain.commit(sealed);
    this.#finalized = undefined;
    this.#executed = undefined;
    desk.settle(block, output, output.extrinsics.filter(isInherent).length);
    onCommit(block);
    return {};
  }

  /** `/state`: the value under the key in `data`, at the head. */
  query({ path, data }: AbciRequest<'query'>): AbciResponse<'query'> {
    const { chain } = this.#options;
    if (path !== '/state') return { code: 1, log: 'the only path is /state, with a storage key as data' };
    const value = chain.headState.get(new Uint8Array(data)) ?? new Uint8Array();
    return { key: data, value, height: BigInt(chain.head.header.number) };
  }

  listSnapshots(): AbciResponse<'listSnapshots'> {
    return this.#options.stateSync?.listSnapshots() ?? { snapshots: [] };
  }

  offerSnapshot(request: AbciRequest<'offerSnapshot'>): AbciResponse<'offerSnapshot'> {
    return this.#options.stateSync?.offerSnapshot(request) ?? { result: NO_SNAPSHOTS };
  }

  loadSnapshotChunk(request: AbciRequest<'loadSnapshotChunk'>): AbciResponse<'loadSnapshotChunk'> {
    return this.#options.stateSync?.loadSnapshotChunk(request) ?? {};
  }

  applySnapshotChunk(request: AbciRequest<'applySnapshotChunk'>): AbciResponse<'applySnapshotChunk'> {
    return this.#options.stateSync?.applySnapshotChunk(request) ?? { result: NO_SNAPSHOTS };
  }

  #requireNext(height: number): void {
    const expected = this.#options.chain.head.header.number + 1;
    if (height !== expected)
      throw new NodeError(
        { code: 'BLOCK_OUT_OF_ORDER', got: height, expected },
        `CometBFT is at height ${height}, this node expects ${expected}: the two directories do not belong together`,
      );
  }

  /** Runs the transactions on the head, with their signatures checked in threads. Changes nothing. */
  async #execute(request: ProposedBlock): Promise<Executed> {
    const { chain, signatures } = this.#options;
    const parent = chain.head;
    const consensusMs = millisecondsOf(request.time);
    const input: BlockInput = {
      number: parent.header.number + 1,
      parentHash: parent.hash,
      timestampMs: consensusMs > parent.timestampMs ? consensusMs : parent.timestampMs + 1n,
      extrinsics: request.txs.map((tx) => new Uint8Array(tx)),
      consensus: request.consensus,
    };
    const key = keyOf(input);
    if (this.#executed?.key === key) return this.#executed;
    const first = signatures.collect(() => this.#build(input));
    // With a bad signature among them the result says nothing: the good ones are known now, and the rest is found out.
    const output = (await signatures.confirm(first.claims)) ? first.value : this.#build(input);
    this.#executed = { key, input, output };
    return this.#executed;
  }

  #build(input: BlockInput): BlockOutput {
    const { chain, runtime } = this.#options;
    const { output, poison } = buildAround(input.extrinsics, (extrinsics) =>
      runtime.buildBlock(chain.headState, { ...input, extrinsics }),
    );
    const dropped = poison.map((extrinsic) => ({ hash: toHex(blake2(extrinsic)), reason: 'Call' as const }));
    return { ...output, dropped: [...output.dropped, ...dropped] };
  }
}

type ProposedBlock = Pick<AbciRequest<'processProposal'>, 'txs' | 'time' | 'height'> & {
  readonly consensus: ConsensusFacts;
};

function keyOf({ number, parentHash, timestampMs, extrinsics, consensus }: BlockInput): HexString {
  const parts = extrinsics.map((extrinsic) => toHex(blake2(extrinsic)));
  return toHex(
    blake2(Buffer.from(`${number} ${parentHash} ${timestampMs} ${parts.join(' ')} ${factsText(consensus)}`)),
  );
}

function millisecondsOf({ seconds, nanos }: { seconds: bigint; nanos: number }): bigint {
  return seconds * 1000n + BigInt(Math.floor(nanos / 1_000_000));
}

/** One result per transaction of the request, in its order; each occurrence of a repeated one its own. */
function txResults(txs: readonly Uint8Array[], { results, extrinsics }: BlockOutput) {
  const left = new Map<string, { error: string | undefined }[]>();
  const own = extrinsics.filter(isInherent).length;
  for (const { hash, error } of results.slice(own)) left.set(hash, [...(left.get(hash) ?? []), { error }]);
  return txs.map((tx) => {
    const included = left.get(toHex(blake2(tx)))?.shift();
    const code = !included
      ? TX_CODE.notIncluded
      : included.error === undefined
        ? TX_CODE.ok
        : TX_CODE.callFailed;
    const blank = { data: new Uint8Array(), log: '', info: '', gasWanted: 0n, gasUsed: 0n, codespace: '' };
    return { ...blank, code, events: [] };
  });
}

/**
 * @file Four validators without CometBFT: each is a whole engine with its own database behind a real ABCI socket, and
 * the driver plays CometBFT: it takes turns asking for proposals, lets everyone vote, has the block executed and
 * committed by all, and checks that all answer the same.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { silentLogger, toHex } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import { ExtendedCommitInfo, type Misbehavior, type VoteInfo } from 'cosmjs-types/tendermint/abci/types';
import { startAbciServer } from '../abci/AbciServer.js';
import type { AbciRequest } from '../abci/application.js';
import { type ChainSpec, parseChainSpec } from '../chainSpec.js';
import { CometEngine } from '../comet/CometEngine.js';
import { cometChainId } from '../comet/cometChainId.js';
import { openChain } from '../openChain.js';
import { SignatureDesk } from '../signatures/SignatureDesk.js';
import { ChainStore } from '../store/ChainStore.js';
import { AbciClient } from './AbciClient.js';
import { manualSchedule } from './manualSchedule.js';
import { scratchDirectory } from './scratchChain.js';
import { testSpec } from './testNetwork.js';

export interface ValidatorOptions {
  readonly dir?: string;
  readonly snapshotEvery?: number;
  readonly spec?: ChainSpec;
}

export class Validator {
  readonly dir: string;
  engine!: CometEngine;
  runtime!: Runtime;
  consensus!: AbciClient;
  mempool!: AbciClient;
  fatal: Error | undefined;
  readonly #snapshotEvery: number;
  readonly #spec: ChainSpec;
  #close: () => Promise<void> = async () => undefined;

  constructor({ dir = scratchDirectory(), snapshotEvery = 0, spec = testSpec() }: ValidatorOptions = {}) {
    this.dir = dir;
    this.#snapshotEvery = snapshotEvery;
    this.#spec = parseChainSpec(spec);
  }

  async start(): Promise<this> {
    const spec = this.#spec;
    const store = new ChainStore({ dir: join(this.dir, 'chain'), keepStates: 100 });
    const signatures = new SignatureDesk();
    const { chain, runtime } = openChain(store, spec, { dir: this.dir, signatures });
    this.runtime = runtime;
    const { schedule } = manualSchedule();
    this.engine = new CometEngine({
      ...{ chain, runtime, signatures, schedule, log: silentLogger },
      ...{ chainId: cometChainId(spec), blockTimeMs: 1000, clock: () => 0 },
      snapshots: { dir: join(this.dir, 'snapshots'), everyBlocks: this.#snapshotEvery },
    });
    const server = await startAbciServer({
      application: this.engine.application,
      address: `unix://${join(this.dir, 'abci.sock')}`,
      log: silentLogger,
      onFatal: (error) => {
        this.fatal = error;
      },
    });
    this.consensus = await AbciClient.open(server.address);
    this.mempool = await AbciClient.open(server.address);
    this.#close = async () => {
      this.consensus.close();
      this.mempool.close();
      await server.close();
      this.engine.close();
      await this.engine.settled();
      await store.close();
    };
    return this;
  }

  /** Everything in memory is lost; what is on disk stays. */
  async crash(): Promise<void> {
    await this.#close();
  }

  get headHash(): string {
    return this.engine.chain.head.hash;
  }
}

/** What a test may decide about a block; the rest is as an honest network would have it. */
export interface Change {
  readonly txs?: Uint8Array[];
  readonly except?: Validator;
  readonly proposerAddress?: Uint8Array;
  readonly misbehavior?: Misbehavior[];
  readonly votes?: VoteInfo[];
}

type Finalize = Partial<AbciRequest<'finalizeBlock'>>;

export class CometDriver {
  readonly validators: Validator[];
  /** What was decided, to be replayed to whoever missed it. */
  readonly decided: Finalize[] = [];
  /** App hash after each decided block. */
  readonly hashes: string[] = [];
  /** Validator updates of the block applied last: key and new power. */
  lastUpdates: readonly (readonly [key: string, power: string])[] = [];
  #timeMs = 1_700_000_100_000;

  private constructor(validators: Validator[]) {
    this.validators = validators;
  }

  static async start(count = 4, each: Omit<ValidatorOptions, 'dir'> = {}): Promise<CometDriver> {
    const validators: Validator[] = [];
    for (let i = 0; i < count; i++) validators.push(await new Validator(each).start());
    const driver = new CometDriver(validators);
    const chainId = cometChainId(parseChainSpec(each.spec ?? testSpec()));
    const hashes = await Promise.all(
      validators.map(async ({ consensus }) => {
        const { appHash } = await consensus.ask('initChain', { chainId, initialHeight: 1n });
        return toHex(appHash);
      }),
    );
    assert.equal(new Set(hashes).size, 1, 'everyone starts from the same genesis');
    return driver;
  }

  get height(): number {
    return this.decided.length;
  }

  /** Gossip: every validator checks the transaction; returns the codes. */
  checkEverywhere(tx: Uint8Array): Promise<number[]> {
    return Promise.all(
      this.validators.map(async ({ mempool }) => (await mempool.ask('checkTx', { tx })).code),
    );
  }

  /** One height with the next proposer's block; returns the app hash all agree on. */
  async decide(change: Change = {}): Promise<string> {
    const height = BigInt(this.height + 1);
    const time = this.#nextTime();
    const proposer = this.validators[this.height % this.validators.length]!;
    const { misbehavior = [], proposerAddress = new Uint8Array(), votes = [] } = change;
    const facts = { misbehavior, proposerAddress };
    const lastCommit = { round: 0, votes };
    const request = { height, time, maxTxBytes: 2_000_000n, ...facts };
    const localLastCommit = ExtendedCommitInfo.fromPartial(lastCommit);
    const txs =
      change.txs ?? (await proposer.consensus.ask('prepareProposal', { ...request, localLastCommit })).txs;
    const hash = new Uint8Array(32).fill(Number(height) & 0xff);
    const block: Finalize = { height, time, txs, hash, ...facts, decidedLastCommit: lastCommit };
    const proposal = { height, time, txs, hash, ...facts, proposedLastCommit: lastCommit };
    const live = this.validators.filter((validator) => validator !== change.except);
    const answers = await Promise.all(
      live.map(async ({ consensus }) => (await consensus.ask('processProposal', proposal)).status),
    );
    const refusals = answers.filter((answer) => answer !== 1).length;
    if (refusals > 0) throw new Error(`refused by ${refusals}`);
    this.decided.push(block);
    const appHash = await this.apply(live, block);
    this.hashes.push(appHash);
    return appHash;
  }

  /** Executes and commits a decided block on some validators. */
  async apply(validators: readonly Validator[], block: Finalize): Promise<string> {
    const hashes = await Promise.all(
      validators.map(async ({ consensus }) => {
        const { appHash, txResults, validatorUpdates } = await consensus.ask('finalizeBlock', block);
        const updates = validatorUpdates.map(({ pubKey, power }) => [toHex(pubKey!.ed25519!), String(power)]);
        return JSON.stringify([toHex(appHash), txResults.map(({ code }) => code), updates]);
      }),
    );
    assert.equal(new Set(hashes).size, 1, `app hashes and codes differ at height ${block.height}`);
    await Promise.all(validators.map(({ consensus }) => consensus.ask('commit', {})));
    const heads = validators.map(({ headHash }) => headHash);
    assert.deepEqual([...new Set(heads)], [(JSON.parse(hashes[0]!) as [string])[0]]);
    this.lastUpdates = (JSON.parse(hashes[0]!) as [string, number[], [string, string][]])[2];
    return heads[0]!;
  }

  async close(): Promise<void> {
    for (const validator of this.validators) await validator.crash();
  }

  #nextTime(): { seconds: bigint; nanos: number } {
    this.#timeMs += 1000;
    return { seconds: BigInt(this.#timeMs / 1000), nanos: 123_456_789 };
  }
}

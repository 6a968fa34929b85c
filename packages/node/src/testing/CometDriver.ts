/**
 * @file Four validators without CometBFT: each is a whole engine with its own database behind a real ABCI socket, and
 * the driver plays CometBFT: it takes turns asking for proposals, lets everyone vote, has the block executed and
 * committed by all, and checks that all answer the same.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { silentLogger, toHex } from '@alice/protocol';
import { startAbciServer } from '../abci/AbciServer.js';
import type { AbciRequest } from '../abci/application.js';
import { parseChainSpec } from '../chainSpec.js';
import { CometEngine } from '../comet/CometEngine.js';
import { cometChainId } from '../comet/cometChainId.js';
import { openChain } from '../openChain.js';
import { SignatureDesk } from '../signatures/SignatureDesk.js';
import { ChainStore } from '../store/ChainStore.js';
import { AbciClient } from './AbciClient.js';
import { manualSchedule } from './manualSchedule.js';
import { scratchDirectory } from './scratchChain.js';
import { testSpec } from './testNetwork.js';

export class Validator {
  readonly dir: string;
  engine!: CometEngine;
  consensus!: AbciClient;
  mempool!: AbciClient;
  fatal: Error | undefined;
  #close: () => Promise<void> = async () => undefined;

  constructor(dir = scratchDirectory()) {
    this.dir = dir;
  }

  async start(): Promise<this> {
    const spec = parseChainSpec(testSpec());
    const store = new ChainStore({ dir: join(this.dir, 'chain'), keepStates: 100 });
    const signatures = new SignatureDesk();
    const { chain, runtime } = openChain(store, spec, { dir: this.dir, signatures });
    const { schedule } = manualSchedule();
    this.engine = new CometEngine({
      ...{ chain, runtime, signatures, schedule, log: silentLogger },
      ...{ chainId: cometChainId(spec), blockTimeMs: 1000, clock: () => 0 },
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

type Finalize = Partial<AbciRequest<'finalizeBlock'>>;

export class CometDriver {
  readonly validators: Validator[];
  /** What was decided, to be replayed to whoever missed it. */
  readonly decided: Finalize[] = [];
  #timeMs = 1_700_000_100_000;

  private constructor(validators: Validator[]) {
    this.validators = validators;
  }

  static async start(count = 4): Promise<CometDriver> {
    const validators: Validator[] = [];
    for (let i = 0; i < count; i++) validators.push(await new Validator().start());
    const driver = new CometDriver(validators);
    const chainId = cometChainId(parseChainSpec(testSpec()));
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
  async decide(change: { txs?: Uint8Array[]; except?: Validator } = {}): Promise<string> {
    const height = BigInt(this.height + 1);
    const time = this.#nextTime();
    const proposer = this.validators[this.height % this.validators.length]!;
    const txs =
      change.txs ??
      (await proposer.consensus.ask('prepareProposal', { height, time, maxTxBytes: 2_000_000n })).txs;
    const block: Finalize = { height, time, txs, hash: new Uint8Array(32).fill(Number(height) & 0xff) };
    const live = this.validators.filter((validator) => validator !== change.except);
    const votes = await Promise.all(
      live.map(async ({ consensus }) => (await consensus.ask('processProposal', block)).status),
    );
    if (votes.some((vote) => vote !== 1))
      throw new Error(`refused by ${votes.filter((v) => v !== 1).length}`);
    this.decided.push(block);
    return this.apply(live, block);
  }

  /** Executes and commits a decided block on some validators. */
  async apply(validators: readonly Validator[], block: Finalize): Promise<string> {
    const hashes = await Promise.all(
      validators.map(async ({ consensus }) => {
        const { appHash, txResults } = await consensus.ask('finalizeBlock', block);
        return JSON.stringify([toHex(appHash), txResults.map(({ code }) => code)]);
      }),
    );
    assert.equal(new Set(hashes).size, 1, `app hashes and codes differ at height ${block.height}`);
    await Promise.all(validators.map(({ consensus }) => consensus.ask('commit', {})));
    const heads = validators.map(({ headHash }) => headHash);
    assert.deepEqual([...new Set(heads)], [(JSON.parse(hashes[0]!) as [string])[0]]);
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

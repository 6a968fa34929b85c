/**
 * @file A process for the network test: a node whose CometBFT it runs itself, from the options (JSON) in its first
 * argument; prints its address once it serves.
 */
import { writeSync } from 'node:fs';
import { initCrypto, silentLogger } from '@alice/protocol';
import type { ChainSpec } from '../chainSpec.js';
import { CometApplication } from '../comet/CometApplication.js';
import type { CometProgram } from '../comet/CometProcess.js';
import type { StateSyncChoice } from '../comet/cometHome.js';
import { startNode } from '../node.js';
import { testSpec } from './testNetwork.js';

export interface CometNodeArguments {
  readonly dir: string;
  readonly program: CometProgram;
  readonly genesisFile: string;
  /** Default: the specification of the tests. */
  readonly spec?: ChainSpec;
  readonly snapshotEveryBlocks?: number;
  readonly stateSync?: StateSyncChoice;
  /** Kill this process, as if the power went, when CometBFT asks to commit this height. */
  readonly crash?: { readonly height: number; readonly at: 'beforeCommit' | 'afterCommit' } | undefined;
}

await initCrypto();
const { dir, crash, spec = testSpec(), ...engine } = JSON.parse(process.argv[2]!) as CometNodeArguments;
if (crash) crashAround(crash);
const node = await startNode({
  dir,
  spec,
  port: 0,
  blockTimeMs: 500,
  log: silentLogger,
  engine: { kind: 'cometbft', ...engine },
  onFatal: (error) => {
    writeSync(2, `${error.message}\n`);
    process.exit(1);
  },
});
writeSync(1, `${node.url}\n`);
process.once('SIGTERM', () => void node.close().then(() => process.exit(0)));

function crashAround({ height, at }: NonNullable<CometNodeArguments['crash']>): void {
  const { commit, finalizeBlock } = CometApplication.prototype;
  let finalized = 0;
  CometApplication.prototype.finalizeBlock = function (request) {
    finalized = Number(request.height);
    return finalizeBlock.call(this, request);
  };
  CometApplication.prototype.commit = function () {
    const die = (): void => void process.kill(process.pid, 'SIGKILL');
    if (finalized === height && at === 'beforeCommit') die();
    const answer = commit.call(this);
    if (finalized === height) die();
    return answer;
  };
}

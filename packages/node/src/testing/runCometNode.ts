/**
 * @file A process for the network test: a node whose CometBFT it runs itself, from the options (JSON) in its first
 * argument; prints its address once it serves.
 */
import { writeSync } from 'node:fs';
import { initCrypto, silentLogger } from '@alice/protocol';
import type { CometProgram } from '../comet/CometProcess.js';
import { startNode } from '../node.js';
import { testSpec } from './testNetwork.js';

export interface CometNodeArguments {
  readonly dir: string;
  readonly program: CometProgram;
  readonly genesisFile: string;
}

await initCrypto();
const { dir, program, genesisFile } = JSON.parse(process.argv[2]!) as CometNodeArguments;
const node = await startNode({
  dir,
  spec: testSpec(),
  port: 0,
  blockTimeMs: 500,
  log: silentLogger,
  engine: { kind: 'cometbft', program, genesisFile },
  onFatal: (error) => {
    writeSync(2, `${error.message}\n`);
    process.exit(1);
  },
});
writeSync(1, `${node.url}\n`);
process.once('SIGTERM', () => void node.close().then(() => process.exit(0)));

/**
 * @file A process for the crash test: runs a whole node on the directory in its first argument until it is killed,
 * and prints its address once it serves.
 */
import { writeSync } from 'node:fs';
import { initCrypto, silentLogger } from '@alice/protocol';
import { startNode } from '../node.js';
import { testSpec } from './testNetwork.js';

await initCrypto();
const node = await startNode({
  dir: process.argv[2]!,
  spec: testSpec(),
  port: 0,
  blockTimeMs: 100,
  log: silentLogger,
});
writeSync(1, `${node.url}\n`);

/**
 * @file One node of a shared network as a process to be killed: `node nodeProcess.js <network folder> <node as JSON>`.
 * It prints `open` when it works and `leading` whenever it begins to lead the rounds.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '@alice/protocol';
import type { ServerOptions } from '../options.js';
import { openTinyNetwork } from './tinyNetwork.js';

export type NodeChanges = Pick<ServerOptions, 'databaseUrl' | 'blobs' | 'roles' | 'node' | 'limits'>;

const [dir, json] = process.argv.slice(2) as [string, string];
const changes = JSON.parse(json) as NodeChanges;
const network = await openTinyNetwork(dir, { ...changes, dir: join(dir, changes.node!) });
network.clock.nowMs = Date.now();
setInterval(() => {
  network.clock.nowMs = Date.now();
}, 20);
const core = await network.open(
  {},
  {
    ...silentLogger,
    info: (message, facts) =>
      void (message === 'Leading' && facts?.['role'] === 'aggregator' && writeSync(1, 'leading\n')),
  },
);
core.coordinator.start();
writeSync(1, 'open\n');

/** @file A node of the chaos network with some of the server's roles, as a process: `nodeRole.js <settings as JSON>`. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerOptions } from '../../options.js';
import { startServer } from '../../startServer.js';
import { openTinyNetwork } from '../tinyNetwork.js';
import { connectChain } from './remoteChain.js';
import { stderrLogger } from './stderrLogger.js';

export interface NodeRole
  extends Pick<ServerOptions, 'databaseUrl' | 'blobs' | 'roles' | 'round' | 'epochMs' | 'limits'> {
  /** Of the whole network. */
  readonly dir: string;
  readonly node: string;
  readonly chainUrl: string;
}

const { dir, chainUrl, ...changes } = JSON.parse(process.argv[2]!) as NodeRole;
const { options } = await openTinyNetwork(dir, { ...changes, dir: join(dir, changes.node) });
const { url } = await startServer(options, { log: stderrLogger, chain: connectChain(chainUrl) });
writeSync(1, `up ${url}\n`);

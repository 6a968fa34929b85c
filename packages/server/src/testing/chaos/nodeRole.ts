/** @file A node of the chaos network with some of the server's roles, as a process: `nodeRole.js <settings as JSON>`. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { initCrypto, keyPairFromSecret } from '@alice/protocol';
import type { ServerOptions } from '../../options.js';
import { startServer } from '../../startServer.js';
import { openTinyNetwork } from '../tinyNetwork.js';
import { connectChain } from './remoteChain.js';
import { stderrLogger } from './stderrLogger.js';

export interface NodeRole
  extends Pick<
    ServerOptions,
    'databaseUrl' | 'blobs' | 'roles' | 'round' | 'epochMs' | 'limits' | 'port' | 'regions' | 'upstream'
  > {
  /** Of the whole network. */
  readonly dir: string;
  readonly node: string;
  readonly chainUrl: string;
  /** Secret of its key; the tiny network's server by default. */
  readonly secret?: string;
}

const { dir, chainUrl, secret, ...changes } = JSON.parse(process.argv[2]!) as NodeRole;
await initCrypto();
const { options } = await openTinyNetwork(dir, {
  ...changes,
  dir: join(dir, changes.node),
  ...(secret === undefined ? {} : { serverKey: keyPairFromSecret(secret) }),
});
const { url } = await startServer(options, { log: stderrLogger, chain: connectChain(chainUrl) });
writeSync(1, `up ${url}\n`);

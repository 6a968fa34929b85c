/**
 * @file Every role of the server as a process of its own, two of each, on PostgreSQL and an S3 store, with simulated miners.
 * Miners and scorers reach the API nodes through one proxy, the nodes reach the store through another, and all settle with
 * one chain.
 */
import { modelLayout } from '@alice/model';
import { openBlobStore } from '../../blobs/blobLocation.js';
import { openDatabase } from '../../database/Database.js';
import type { ServerRole } from '../../options.js';
import { startPostgres } from '../postgresCluster.js';
import { startS3Server } from '../s3Server.js';
import { createTinyNetwork, tinyModel } from '../tinyNetwork.js';
import { CHAOS_SETTINGS, type ChaosNetwork, chaosParts, startChaosNetwork } from './ChaosNetwork.js';
import { checkOutcome } from './checkOutcome.js';
import { chainFaults, databaseFaults, lineFaults, storeFaults } from './disturbances.js';
import { startFaultProxy } from './faultProxy.js';

const MINERS = 6;
const NODES: readonly { readonly node: string; readonly roles: readonly ServerRole[] }[] = [
  { node: 'api-1', roles: ['api'] },
  { node: 'api-2', roles: ['api'] },
  { node: 'aggregator-1', roles: ['aggregator'] },
  { node: 'aggregator-2', roles: ['aggregator'] },
  { node: 'epochs-1', roles: ['epochs'] },
  { node: 'epochs-2', roles: ['epochs'] },
];

/** Starts everything and waits until it works. `programs`: folder of PostgreSQL's, and the S3 server. */
export function startManyNodes(programs: { postgres: string; s3: string }): Promise<ChaosNetwork> {
  return startChaosNetwork(async (undo) => {
    const postgres = await startPostgres(programs.postgres);
    undo.push(() => postgres.remove());
    const s3 = await startS3Server(programs.s3);
    undo.push(() => s3.remove());
    const store = await startFaultProxy(() => [s3.endpoint]);
    undo.push(() => store.close());
    const databaseUrl = await postgres.createDatabase();
    const network = await createTinyNetwork({ databaseUrl });
    undo.push(() => network.remove());
    const { dir } = network;
    const parts = await chaosParts(undo, dir);
    const { chain, chainUrl, start } = parts;
    const blobsAt = (endpoint: string) => `s3://alice/chaos?endpoint=${endpoint}`;
    const nodes = NODES.map(({ node, roles }) => {
      const where = { dir, node, roles, databaseUrl, blobs: blobsAt(store.url), chainUrl };
      return start({ name: node, script: './nodeRole.js', settings: { ...CHAOS_SETTINGS, ...where } });
    });
    const line = await startFaultProxy(() =>
      nodes.flatMap(({ name, url }) => (name.startsWith('api') && url ? [url] : [])),
    );
    undo.push(() => line.close());
    const { url } = line;
    const scorers = parts.scorers(url);
    const miners = parts.miners('miners', { url, miners: MINERS, wallet: 'miner' });
    const processes = [...nodes, ...scorers, miners.process];
    await Promise.all(processes.map((one) => one.up()));
    const db = await openDatabase(dir, databaseUrl);
    undo.push(() => db.close());
    return {
      ...{ logs: parts.logs, chain, processes, acknowledgement: parts.acknowledgement },
      urls: () => [url],
      restMs: 200,
      faults: [
        ...databaseFaults(postgres),
        ...storeFaults(s3, store),
        ...lineFaults(line),
        ...chainFaults(chain),
      ],
      look: (read) => read([db]),
      check: () =>
        checkOutcome({
          ...{ acknowledged: miners.acknowledged, db, chain, layout: modelLayout(tinyModel) },
          seed: network.options.seed,
          blobs: openBlobStore(blobsAt(s3.endpoint)),
        }),
      stopMiners: () => miners.process.stop(),
    };
  });
}

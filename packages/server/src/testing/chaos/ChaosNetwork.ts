/**
 * @file Every role of the server as a process of its own, two of each, on PostgreSQL and an S3 store, with simulated miners:
 * what the chaos test kills and disturbs. Miners and scorers reach the API nodes through one proxy, the nodes reach
 * the store through another, and all settle with one chain.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { modelLayout } from '@alice/model';
import { openBlobStore } from '../../blobs/blobLocation.js';
import { type Database, openDatabase } from '../../database/Database.js';
import type { ServerRole } from '../../options.js';
import { createWaiters } from '../../waiters.js';
import { FakeChain } from '../FakeChain.js';
import { type PostgresCluster, startPostgres } from '../postgresCluster.js';
import { type S3Server, startS3Server } from '../s3Server.js';
import { createTinyNetwork, tinyModel } from '../tinyNetwork.js';
import type { Outcome } from './checkOutcome.js';
import { type FaultProxy, startFaultProxy } from './faultProxy.js';
import type { NodeRole } from './nodeRole.js';
import { serveChain } from './remoteChain.js';
import { type Supervised, supervise } from './supervise.js';

const MINERS = 6;
const KEPT = 1_000_000;
const NODES: readonly { readonly node: string; readonly roles: readonly ServerRole[] }[] = [
  { node: 'api-1', roles: ['api'] },
  { node: 'api-2', roles: ['api'] },
  { node: 'aggregator-1', roles: ['aggregator'] },
  { node: 'aggregator-2', roles: ['aggregator'] },
  { node: 'epochs-1', roles: ['epochs'] },
  { node: 'epochs-2', roles: ['epochs'] },
];

export interface ChaosNetwork {
  /** What the processes wrote to stderr, a file each. */
  readonly logs: string;
  readonly postgres: PostgresCluster;
  readonly s3: S3Server;
  readonly chain: FakeChain;
  /** Between clients and API nodes, and between nodes and the object store. */
  readonly line: FaultProxy;
  readonly store: FaultProxy;
  /** What can be killed. */
  readonly processes: readonly Supervised[];
  /** Without faults in between. */
  readonly db: Database;
  /** Resolves at the next submission that is acknowledged, or after `timeoutMs`. */
  acknowledgement(timeoutMs: number): Promise<void>;
  outcome(): Outcome;
  stopMiners(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts everything and waits until it works. `programs`: folder of PostgreSQL's, and the S3 server. */
export async function startChaosNetwork(programs: { postgres: string; s3: string }): Promise<ChaosNetwork> {
  const undo: (() => unknown)[] = [];
  try {
    return await start(programs, undo);
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}

async function start(
  programs: { postgres: string; s3: string },
  undo: (() => unknown)[],
): Promise<ChaosNetwork> {
  const postgres = await startPostgres(programs.postgres);
  undo.push(() => postgres.remove());
  const s3 = await startS3Server(programs.s3);
  undo.push(() => s3.remove());
  const chain = new FakeChain();
  const served = await serveChain(chain);
  undo.push(() => served.close());
  const store = await startFaultProxy(() => [s3.endpoint]);
  undo.push(() => store.close());
  const databaseUrl = await postgres.createDatabase();
  const network = await createTinyNetwork({ databaseUrl });
  undo.push(() => network.remove());
  const { dir } = network;
  const logs = join(dir, 'logs');
  mkdirSync(logs);
  const blobsAt = (endpoint: string) => `s3://alice/chaos?endpoint=${endpoint}`;

  const start = (options: Omit<Parameters<typeof supervise>[0], 'logs'>): Supervised => {
    const started = supervise({ ...options, logs });
    undo.push(() => started.stop());
    return started;
  };
  const nodes = NODES.map(({ node, roles }) => {
    const settings: NodeRole = {
      ...{ dir, node, roles, databaseUrl, blobs: blobsAt(store.url), chainUrl: served.url },
      round: { windowMs: 2_000, uploadMs: 1_500, maxRoundMs: 4_000, targetSubmissions: 4 },
      epochMs: 3_000,
      limits: { leaseMs: 4_000, jobAttempts: KEPT, submissionVersionsKept: KEPT },
    };
    return start({ name: node, script: './nodeRole.js', settings });
  });
  const line = await startFaultProxy(() =>
    nodes.flatMap(({ name, url }) => (name.startsWith('api') && url ? [url] : [])),
  );
  undo.push(() => line.close());
  const { url } = line;
  const scorers = ['one', 'two'].map((instance) =>
    start({ name: `scorer-${instance}`, script: './scorerRole.js', settings: { url, instance } }),
  );
  const acknowledged = new Set<string>();
  const heard = createWaiters();
  const miners = start({
    name: 'miners',
    script: './minersRole.js',
    settings: { url, miners: MINERS },
    onLine: (text) => {
      acknowledged.add(text.replace('acknowledged ', ''));
      heard.wake();
    },
  });
  const processes = [...nodes, ...scorers, miners];
  await Promise.all(processes.map((one) => one.up()));
  const db = await openDatabase(dir, databaseUrl);
  undo.push(() => db.close());
  return {
    ...{ logs, postgres, s3, chain, line, store, processes, db },
    acknowledgement: async (timeoutMs) => void (await heard.wait(timeoutMs, new AbortController().signal)),
    outcome: () => ({
      ...{ acknowledged, db, chain, layout: modelLayout(tinyModel), seed: network.options.seed },
      blobs: openBlobStore(blobsAt(s3.endpoint)),
    }),
    stopMiners: () => miners.stop(),
    remove: () => undoAll(undo),
  };
}

/** In reverse order; what fails does not keep the rest. */
async function undoAll(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0).reverse())
    try {
      await step();
    } catch {
      // what is left lies in the temporary folder of the system
    }
}

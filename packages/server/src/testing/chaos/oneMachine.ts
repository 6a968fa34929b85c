/**
 * @file A server as `alice server` starts it: every role in one process, the embedded database and a folder of blobs, all of
 * it on a disk that can be full. Its database can be read only while it is down.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelLayout } from '@alice/model';
import { openFolderBlobStore } from '../../blobs/BlobStore.js';
import type { Queryable } from '../../database/Database.js';
import { openDatabase } from '../../database/Database.js';
import { makeSmallDisk } from '../smallDisk.js';
import { createTinyNetwork, tinyModel } from '../tinyNetwork.js';
import { CHAOS_SETTINGS, type ChaosNetwork, chaosParts, startChaosNetwork } from './ChaosNetwork.js';
import { checkOutcome } from './checkOutcome.js';
import { chainFaults, diskFaults, lineFaults } from './disturbances.js';
import { startFaultProxy } from './faultProxy.js';
import type { Supervised } from './supervise.js';

const MINERS = 6;
/** Room for the database, its log between two kills, and what a run makes. */
const DISK_BYTES = 768 << 20;

export function startOneMachine(): Promise<ChaosNetwork> {
  return startChaosNetwork(async (undo) => {
    const disk = makeSmallDisk(DISK_BYTES);
    undo.push(() => disk.remove());
    const logDir = mkdtempSync(join(tmpdir(), 'alice-chaos-'));
    undo.push(() => rmSync(logDir, { recursive: true, force: true }));
    const network = await createTinyNetwork({}, disk.dir);
    const { dir } = network;
    const parts = await chaosParts(undo, logDir);
    const { chain, chainUrl, start } = parts;
    const server = start({
      ...{ name: 'server', script: './nodeRole.js', nodeOptions: disk.nodeOptions },
      settings: { ...CHAOS_SETTINGS, ...{ dir, node: 'server', chainUrl } },
    });
    const line = await startFaultProxy(() => (server.url ? [server.url] : []));
    undo.push(() => line.close());
    const { url } = line;
    const scorers = parts.scorers(url);
    const miners = parts.miners('miners', { url, miners: MINERS, wallet: 'miner' });
    const processes = [server, ...scorers, miners.process];
    await Promise.all(processes.map((one) => one.up()));
    const state = join(dir, 'server');
    const open = { server, dir: state };
    return {
      ...{ logs: parts.logs, chain, processes, acknowledgement: parts.acknowledgement },
      urls: () => [url],
      restMs: 3_000,
      faults: [...diskFaults(disk), ...lineFaults(line), ...chainFaults(chain)],
      look: (read) => whileDown([open], read),
      check: async () => {
        for (const one of [...scorers, miners.process]) await one.stop();
        return whileDown([open], ([db]) =>
          checkOutcome({
            ...{ acknowledged: miners.acknowledged, db: db!, chain, layout: modelLayout(tinyModel) },
            seed: network.options.seed,
            blobs: openFolderBlobStore(join(state, 'blobs')),
          }),
        );
      },
      stopMiners: () => miners.process.stop(),
    };
  });
}

/** Kills the servers, reads their databases, and lets them start again. */
export async function whileDown<T>(
  servers: readonly { readonly server: Supervised; readonly dir: string }[],
  read: (databases: readonly Queryable[]) => Promise<T>,
): Promise<T> {
  for (const { server } of servers) await server.stop();
  const databases = [];
  try {
    for (const { dir } of servers) databases.push(await openDatabase(dir));
    return await read(databases);
  } finally {
    for (const database of databases) await database.close();
    for (const { server } of servers) server.resume();
    for (const { server } of servers) await server.up();
  }
}

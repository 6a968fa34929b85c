/** @file What the chaos run does between kills: database, object store, disk, network and chain fail for about a second. */
import type { FakeChain } from '../FakeChain.js';
import type { PostgresCluster } from '../postgresCluster.js';
import type { S3Server } from '../s3Server.js';
import type { SmallDisk } from '../smallDisk.js';
import type { Fault, FaultProxy } from './faultProxy.js';

export interface Disturbance {
  readonly name: string;
  /** Resolves when it is over, except that the chain's go on for a while. */
  cause(): Promise<void>;
}

const FAULT_MS = 1_200;
/** Long enough for rounds and a settlement to come due meanwhile. */
const FULL_MS = 4_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function during(proxy: FaultProxy, fault: Fault): Promise<void> {
  proxy.fault = fault;
  await pause(FAULT_MS);
  proxy.fault = 'none';
}

export function databaseFaults(postgres: PostgresCluster): Disturbance[] {
  return [
    {
      name: 'database killed and started',
      async cause() {
        await postgres.kill();
        await postgres.start();
      },
    },
  ];
}

export function storeFaults(s3: S3Server, store: FaultProxy): Disturbance[] {
  return [
    {
      name: 'object store killed and started',
      async cause() {
        await s3.kill();
        await pause(FAULT_MS);
        await s3.start();
      },
    },
    { name: 'object store overloaded', cause: () => during(store, 'overloaded') },
    { name: 'object store full', cause: () => during(store, 'full') },
    { name: 'object store cut off', cause: () => during(store, 'cut') },
  ];
}

/** Once to the last byte, once with so little left that blobs still go in and the database writes no more. */
export function diskFaults(disk: SmallDisk): Disturbance[] {
  const full = async (leave: number): Promise<void> => {
    disk.fill(leave);
    await pause(FULL_MS);
    disk.free();
  };
  return [
    { name: `disk full (${disk.kind})`, cause: () => full(0) },
    { name: `disk nearly full (${disk.kind})`, cause: () => full(8 << 20) },
  ];
}

/** Of a line between clients and servers. */
export function lineFaults(line: FaultProxy, whose = ''): Disturbance[] {
  return [
    { name: `connections broken${whose}`, cause: async () => line.breakConnections() },
    { name: `answers lost on the network${whose}`, cause: () => during(line, 'cut') },
  ];
}

export function chainFaults(chain: FakeChain): Disturbance[] {
  return [
    { name: 'answers of the chain lost', cause: () => chainDuring(chain, { mode: 'lose' }) },
    { name: 'reports to the chain lost', cause: () => chainDuring(chain, { mode: 'drop' }) },
    { name: 'chain away', cause: () => chainDuring(chain, { isReachable: false }) },
  ];
}

/** Settlement looks every two seconds, so this lasts longer; the run goes on meanwhile. */
async function chainDuring(
  chain: FakeChain,
  change: Partial<Pick<FakeChain, 'mode' | 'isReachable'>>,
): Promise<void> {
  Object.assign(chain, change);
  setTimeout(() => Object.assign(chain, { mode: 'settle', isReachable: true }), 4 * FAULT_MS).unref();
}

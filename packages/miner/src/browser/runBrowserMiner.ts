/**
 * @file A whole miner in one web worker: the same loop, session and client as on a computer, with the browser's database
 * for a disk and ONNX Runtime Web for a processor. Knows nothing of pages; minerWorker.ts connects it to one.
 */
import { type KeyPair, ServerClient } from '@alice/protocol';
import { assembleMiner, type MinerPorts, trainerSource } from '../assembleMiner.js';
import { ContentCache } from '../ContentCache.js';
import { engineCompute } from '../compute.js';
import { MinerError } from '../errors.js';
import { TrainingSession } from '../TrainingSession.js';
import { type ChosenDevice, chooseDevice, type DeviceChoice } from './chooseDevice.js';
import { DatabaseBytes } from './DatabaseBytes.js';
import { DatabaseStates } from './DatabaseStates.js';
import { databaseName, forgetOtherNetworks, openDatabase } from './database.js';
import type { Gate } from './Gate.js';
import { gatedCompute, gatedServer } from './gatedParts.js';

export interface BrowserMinerOptions {
  readonly serverUrl: string;
  readonly key: KeyPair;
  /** Name of this browser among the devices of the address; as for `runMiner`. */
  readonly instance: string;
  readonly rewardAddress?: string | undefined;
  readonly device: DeviceChoice;
  /** Threads to compute with, ≥ 1; more than one only in a page that is cross-origin isolated. */
  readonly threads: number;
  /** Folder of ONNX Runtime's files on this page's server, ending in a slash. */
  readonly runtimeUrl: string;
  /** What the server is told of the machine. */
  readonly deviceName: string;
  readonly memoryBytes: number;
  readonly maxTasks?: number | undefined;
}

export interface BrowserMinerPorts extends MinerPorts {
  /** Closed while mining is paused. */
  readonly gate: Gate;
  onDevice(chosen: Omit<ChosenDevice, 'platform'>): void;
}

const CACHE_BYTES = 2 ** 28;
/** WebAssembly addresses 4 GiB; weights, gradients and what lies between layers must fit in there. */
const MOST_PARAMETERS = 250_000_000;

/**
 * Mines until the signal is aborted or `maxTasks` are done. Throws what `runMiner` throws, `MINER_BUSY_ELSEWHERE` when
 * another tab mines for this network, `MODEL_TOO_LARGE`, and `DEVICE_UNAVAILABLE` when the device asked for is not to be had.
 */
export async function runBrowserMiner(options: BrowserMinerOptions, ports: BrowserMinerPorts): Promise<void> {
  const { threads, runtimeUrl } = options;
  const chosen = await chooseDevice(options.device, { threads, filesUrl: runtimeUrl });
  ports.onDevice({ device: chosen.device, note: chosen.note });
  const client = openClient(options, chosen, ports);
  const { networkId, model } = await client.network();
  requireRoom(engineCompute().layoutOf(model).size);
  const name = databaseName(networkId);
  await alone(name, async () => {
    await forgetOtherNetworks(name);
    const database = await openDatabase(name);
    try {
      await mineWith({ options, ports, chosen, client, database });
    } finally {
      database.close();
    }
  });
}

interface Opened {
  readonly options: BrowserMinerOptions;
  readonly ports: BrowserMinerPorts;
  readonly chosen: ChosenDevice;
  readonly client: ServerClient;
  readonly database: IDBDatabase;
}

async function mineWith({ options, ports, chosen, client, database }: Opened): Promise<void> {
  const { gate, signal } = ports;
  const cache = await ContentCache.open({ store: new DatabaseBytes(database), maxBytes: CACHE_BYTES });
  const trainer = new TrainingSession({
    source: trainerSource({ client, cache }, ports.onEvent),
    compute: gatedCompute(engineCompute(chosen.platform), gate),
    openStates: () => new DatabaseStates(database),
    nowMs: () => performance.now(),
    stopRequested: () => signal.aborted,
  });
  const stop = (): void => gate.open(); // a paused miner must hear that it is to stop
  signal.addEventListener('abort', stop, { once: true });
  try {
    const server = gatedServer(client, gate);
    const prepare = async () => {
      const { networkId, serverId, model } = await client.network();
      const { key, instance, threads } = options;
      return { dir: database.name, address: key.address, instance, threads, networkId, serverId, model };
    };
    await assembleMiner({ client, cache, trainer, prepare, server, maxTasks: options.maxTasks }, ports).run();
  } finally {
    signal.removeEventListener('abort', stop);
    await trainer.close();
  }
}

function openClient(
  { serverUrl, key, instance, rewardAddress, deviceName, memoryBytes, threads }: BrowserMinerOptions,
  { device }: ChosenDevice,
  { onEvent, signal }: BrowserMinerPorts,
): ServerClient {
  const about = { kind: device, name: deviceName, threads, memoryBytes, software: 'alice browser' };
  const member = { key, instance, role: 'miner', device: about, rewardAddress } as const;
  return new ServerClient(
    { url: serverUrl, member, attempts: Number.POSITIVE_INFINITY, signal },
    { onRetry: ({ code, reason, inMs }) => onEvent({ type: 'retrying', code, reason, inMs }) },
  );
}

function requireRoom(parameters: number): void {
  if (parameters <= MOST_PARAMETERS) return;
  throw new MinerError(
    { code: 'MODEL_TOO_LARGE', parameters, most: MOST_PARAMETERS },
    `this network trains a model of ${parameters} parameters, more than a browser can hold (${MOST_PARAMETERS}): mine with the alice program instead`,
  );
}

/** Two tabs with one residual would each send the other's part again; so one tab has it at a time. */
async function alone(name: string, work: () => Promise<void>): Promise<void> {
  await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock === null)
      throw new MinerError(
        { code: 'MINER_BUSY_ELSEWHERE' },
        'another tab of this browser is mining for this network: stop it there first',
      );
    await work();
  });
}

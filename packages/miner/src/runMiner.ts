/**
 * @file A whole miner on this computer: folder lock, HTTP client, computing thread and state machine put together.
 * This thread only waits for the network and the disk.
 */
import { join } from 'node:path';
import type { DeviceReport } from '@alice/engine/node';
import { parameterCount } from '@alice/model';
import { type KeyPair, ServerClient } from '@alice/protocol';
import { liesOnDisk, TRAINING_BYTES, type WeightsPlace } from '@alice/training/node';
import { assembleMiner, type MinerPorts, trainerSource } from './assembleMiner.js';
import { ContentCache } from './ContentCache.js';
import { deviceInfo } from './deviceInfo.js';
import { lockDir } from './dirLock.js';
import { folderBytes } from './folderBytes.js';
import { ModelMirrors } from './ModelMirrors.js';
import { bindFolder } from './networkFolder.js';
import { RemoteTrainer } from './RemoteTrainer.js';
import type { OpenTrainer } from './trainer.js';

export interface MinerOptions {
  /** `https://…`, or `http://` to this machine. */
  readonly serverUrl: string;
  readonly key: KeyPair;
  /** Name of this device among those of the address: lower-case letters, digits, dashes; at most 32. */
  readonly instance: string;
  /** Threads to compute with, ≥ 1. */
  readonly threads: number;
  /** What to compute on, as `chooseDevice` found it; the processor unless given. */
  readonly device?: DeviceReport | undefined;
  /** Of gradients; `fp32` unless given. */
  readonly precision?: 'fp32' | 'fp16';
  /** Folder for residual, weights and shards; one miner at a time. */
  readonly dir: string;
  /** Where the model's weights lie; `auto` unless given: in a file where memory is short. */
  readonly weights?: WeightsPlace | undefined;
  /** Where rewards go; the key's address when absent (SPEC REG-2). */
  readonly rewardAddress?: string | undefined;
  /** Stop after this many delivered submissions, once their verdicts are known; absent: never. */
  readonly maxTasks?: number | undefined;
  /** Disk space for shards and model pieces, bytes; default 1 GiB. */
  readonly cacheBytes?: number | undefined;
  /** Why no new task should be taken now; asked before each. */
  readonly holdReason?: (() => Promise<string | undefined>) | undefined;
  /** Addresses of the dataset's files on plain web servers, asked before the parameter server. */
  readonly dataMirrors?: readonly string[] | undefined;
  /** Addresses of the published model's pieces on plain web servers or in public buckets, asked before the parameter server. */
  readonly modelMirrors?: readonly string[] | undefined;
}

const DEFAULT_CACHE_BYTES = 2 ** 30;
const CLOCK_OFF_MINUTES = 10;

/**
 * Mines until the signal is aborted or `maxTasks` are done. Survives lost connections, server restarts and its own
 * crash at any point. Throws `MINER_DIR_LOCKED`, `MINER_DIR_MISMATCH`, `TLS_REQUIRED`, `SERVER_IDENTITY_CHANGED`,
 * `VERSION_SIGNATURE_INVALID`, `STATE_NOT_SAVED` and refusals that waiting cannot cure.
 */
export async function runMiner(options: MinerOptions, ports: MinerPorts): Promise<void> {
  const { dir, maxTasks, cacheBytes = DEFAULT_CACHE_BYTES } = options;
  const server = openClient(options, ports);
  const lock = await lockDir(dir);
  try {
    const store = await folderBytes(join(dir, 'cache'));
    const cache = await ContentCache.open({ store, maxBytes: cacheBytes });
    const { signal } = ports;
    const mirrors = new ModelMirrors(options.modelMirrors ?? [], { hashOf: store.hashOf, signal });
    const trainer = new RemoteTrainer(trainerSource({ client: server, cache, mirrors }, ports.onEvent), {
      device: options.device?.device ?? 'cpu',
      precision: options.precision ?? 'fp32',
      onDeviceLost: (device, reason) =>
        ports.log.warn(
          'The device crashed: the processor computes from now on, and the task is tried again',
          {
            ...{ device, reason },
          },
        ),
    });
    const stop = (): void => trainer.stop();
    if (ports.signal.aborted) stop();
    ports.signal.addEventListener('abort', stop, { once: true });
    try {
      const parts = {
        client: server,
        cache,
        trainer,
        maxTasks,
        dataMirrors: options.dataMirrors,
        holdReason: options.holdReason,
      };
      const loop = assembleMiner({ ...parts, prepare: () => prepare(options, server, ports) }, ports);
      await loop.run();
    } finally {
      ports.signal.removeEventListener('abort', stop);
      await trainer.close();
    }
  } finally {
    await lock.release();
  }
}

function openClient(
  { serverUrl, key, instance, threads, device: chosen, rewardAddress }: MinerOptions,
  ports: MinerPorts,
): ServerClient {
  const member = {
    key,
    instance,
    role: 'miner',
    device: deviceInfo(threads, chosen),
    rewardAddress,
  } as const;
  return new ServerClient(
    { url: serverUrl, member, attempts: Number.POSITIVE_INFINITY, signal: ports.signal },
    { onRetry: ({ code, reason, inMs }) => ports.onEvent({ type: 'retrying', code, reason, inMs }) },
  );
}

/** Learns which network this is and checks that the folder is for it. */
async function prepare(
  options: MinerOptions,
  server: ServerClient,
  { onEvent }: MinerPorts,
): Promise<OpenTrainer> {
  const { networkId, serverId, model } = await server.network();
  const aheadMinutes = Math.round((Date.now() - server.serverNowMs()) / 60_000);
  if (Math.abs(aheadMinutes) >= CLOCK_OFF_MINUTES) onEvent({ type: 'clockOff', aheadMinutes });
  const { dir, key, instance, threads, weights = 'auto' } = options;
  const streamed = liesOnDisk(weights, parameterCount(model), { bytesPerParameter: TRAINING_BYTES });
  await bindFolder(dir, { networkId, serverId });
  return { dir, address: key.address, instance, threads, networkId, serverId, model, streamed };
}

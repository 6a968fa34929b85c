/**
 * @file A whole miner on this computer: folder lock, HTTP client, computing thread and state machine put together.
 * This thread only waits for the network and the disk.
 */
import { join } from 'node:path';
import { type KeyPair, type Logger, refusalOf, ServerClient, sleep } from '@alice/protocol';
import { ContentCache } from './ContentCache.js';
import { deviceInfo } from './deviceInfo.js';
import { lockDir } from './dirLock.js';
import type { MinerEvent } from './events.js';
import { MinerLoop } from './MinerLoop.js';
import { bindFolder } from './networkFolder.js';
import { ShardStore } from './ShardStore.js';
import { TrainingThread } from './TrainingThread.js';
import type { OpenTrainer, TrainerSource } from './trainer.js';

export interface MinerOptions {
  /** `https://…`, or `http://` to this machine. */
  readonly serverUrl: string;
  readonly key: KeyPair;
  /** Name of this device among those of the address: lower-case letters, digits, dashes; at most 32. */
  readonly instance: string;
  /** Threads to compute with, ≥ 1. */
  readonly threads: number;
  /** Folder for residual, weights and shards; one miner at a time. */
  readonly dir: string;
  /** Where rewards go; the key's address when absent (SPEC REG-2). */
  readonly rewardAddress?: string | undefined;
  /** Stop after this many delivered submissions, once their verdicts are known; absent: never. */
  readonly maxTasks?: number | undefined;
  /** Disk space for shards and model pieces, bytes; default 1 GiB. */
  readonly cacheBytes?: number | undefined;
}

export interface MinerPorts {
  readonly log: Logger;
  /** Aborting it ends the miner cleanly after the step it is in. */
  readonly signal: AbortSignal;
  onEvent(event: MinerEvent): void;
}

const DEFAULT_CACHE_BYTES = 2 ** 30;

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
    const cache = await ContentCache.open({ dir: join(dir, 'cache'), maxBytes: cacheBytes });
    const shards = new ShardStore(server, cache);
    const thread = new TrainingThread(sourceOf(server, cache, ports));
    const stop = (): void => thread.stop();
    if (ports.signal.aborted) stop();
    ports.signal.addEventListener('abort', stop, { once: true });
    try {
      const loop = new MinerLoop(
        {
          server,
          trainer: thread,
          shard: (shard) => shards.shard(shard),
          emit: ports.onEvent,
          nowMs: () => performance.now(),
          pause: (ms) => sleep(ms, ports.signal).catch(() => undefined), // an aborted pause is just over
          random: Math.random,
          signal: ports.signal,
          prepare: () => prepare(options, server),
          debug: (message, facts) => ports.log.debug(message, facts),
        },
        maxTasks,
      );
      await loop.run();
    } finally {
      ports.signal.removeEventListener('abort', stop);
      await thread.close();
    }
  } finally {
    await lock.release();
  }
}

function openClient(
  { serverUrl, key, instance, threads, rewardAddress }: MinerOptions,
  ports: MinerPorts,
): ServerClient {
  const member = { key, instance, role: 'miner', device: deviceInfo(threads), rewardAddress } as const;
  return new ServerClient(
    { url: serverUrl, member, attempts: Number.POSITIVE_INFINITY, signal: ports.signal },
    { onRetry: ({ code, reason, inMs }) => ports.onEvent({ type: 'retrying', code, reason, inMs }) },
  );
}

/** Learns which network this is and checks that the folder is for it. */
async function prepare(options: MinerOptions, server: ServerClient): Promise<OpenTrainer> {
  const { networkId, serverId, model } = await server.network();
  const { dir, key, instance, threads } = options;
  await bindFolder(dir, { networkId, serverId });
  return { dir, address: key.address, instance, threads, networkId, serverId, model };
}

function sourceOf(server: ServerClient, cache: ContentCache, { onEvent }: MinerPorts): TrainerSource {
  return {
    blob: ({ hash, sizeBytes }) => cache.get(hash, () => server.blob(hash, { maxAnswerBytes: sizeBytes })),
    version: async (version) => {
      try {
        return await server.version(version);
      } catch (error) {
        if (refusalOf(error) === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    onStep: (report) => onEvent({ type: 'step', ...report }),
  };
}

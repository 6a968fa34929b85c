/**
 * @file A whole scorer process: HTTP client, computing thread and loop put together. It holds no state of its own, so
 * it may be killed at any instant: its job goes to another scorer when the lease ends.
 */
import { mkdir } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { DeviceName } from '@alice/engine/node';
import { parameterCount } from '@alice/model';
import {
  type Device,
  type KeyPair,
  type Logger,
  refusalOf,
  ServerClient,
  sleep,
  withSignals,
} from '@alice/protocol';
import { liesOnDisk, SCORING_BYTES, type WeightsPlace } from '@alice/training/node';
import { type DirLock, lockDir } from '../dirLock.js';
import { RemoteScorer } from './RemoteScorer.js';
import { scoreJobs } from './ScorerLoop.js';
import type { ScorerEvent } from './scorerEvents.js';
import type { OpenScoring, ScoringSource } from './scoring.js';

export interface ScorerOptions {
  /** `https://…`, or `http://` to this machine. */
  readonly serverUrl: string;
  /** Its address must be among the scorers the server lets in. */
  readonly key: KeyPair;
  /** Name of this process among those of the address: lower-case letters, digits, dashes; at most 32. */
  readonly instance: string;
  /** Threads to compute with, ≥ 1. */
  readonly threads: number;
  /** What to compute on, known to work; the processor unless given. */
  readonly device?: DeviceName | undefined;
  /** Folder for the weights where they do not lie in memory; without one they do. */
  readonly dir?: string | undefined;
  /** Where the weights lie; `auto` unless given: in the folder where memory is short. */
  readonly weights?: WeightsPlace | undefined;
}

export interface ScorerPorts {
  readonly log: Logger;
  /** Aborting it ends the scorer. */
  readonly signal: AbortSignal;
  readonly onEvent?: (event: ScorerEvent) => void;
}

/**
 * Scores until the signal is aborted; survives restarts of the server. Throws `TLS_REQUIRED`, `ROLE_FORBIDDEN`,
 * `SIGNATURE_INVALID`, `SERVER_IDENTITY_CHANGED`, `SCORER_VERSION_UNSIGNED`: what waiting cannot cure.
 */
export async function runScorer(
  options: ScorerOptions,
  { log, signal, onEvent }: ScorerPorts,
): Promise<void> {
  const emit = (event: ScorerEvent): void => {
    const { type, ...facts } = event;
    if (type === 'registered') log.info('Registered as a scorer; waiting for work', facts);
    else if (type === 'retrying') log.warn('Waiting before trying again', facts);
    else log.debug('Scorer event', event);
    onEvent?.(event);
  };
  const { serverUrl, key, instance, threads } = options;
  const member = { key, instance, role: 'scorer', device: deviceOf(threads) } as const;
  const server = new ServerClient(
    { url: serverUrl, member, attempts: Number.POSITIVE_INFINITY, signal },
    { onRetry: ({ code, reason, inMs }) => emit({ type: 'retrying', code, reason, inMs }) },
  );
  const scorer = new RemoteScorer(sourceOf(server), {
    device: options.device,
    onDeviceLost: (device, reason) =>
      log.warn('The device crashed: the processor computes from now on', { device, reason }),
  });
  let lock: DirLock | undefined;
  try {
    await scoreJobs({
      server,
      scorer,
      async connect() {
        const request = await connect(server, options, emit);
        if (request.dir !== undefined) lock ??= await lockWeights(request.dir);
        return request;
      },
      emit,
      serverNowMs: () => server.serverNowMs(),
      pause: (ms, until) =>
        withSignals([signal, until], (either) => sleep(ms, either)).catch(() => undefined),
      random: Math.random,
      signal,
    });
  } finally {
    await scorer.close();
    await lock?.release();
  }
}

async function lockWeights(dir: string): Promise<DirLock> {
  await mkdir(dir, { recursive: true });
  return await lockDir(dir, 'scorer');
}

async function connect(
  server: ServerClient,
  { key, instance, threads, dir, weights = 'auto' }: ScorerOptions,
  emit: (e: ScorerEvent) => void,
): Promise<OpenScoring> {
  const { networkId, serverId, model } = await server.network();
  await server.register();
  emit({ type: 'registered', networkId, serverId, address: key.address, instance });
  const onDisk =
    dir !== undefined && liesOnDisk(weights, parameterCount(model), { bytesPerParameter: SCORING_BYTES });
  return { networkId, serverId, model, threads, ...(onDisk && { dir: join(dir, instance) }) };
}

function sourceOf(server: ServerClient): ScoringSource {
  return {
    blob: ({ hash, maxBytes }) => server.blob(hash, { maxAnswerBytes: maxBytes }),
    batch: (batchId) => server.batch(batchId),
    version: async (version) => {
      try {
        return await server.version(version);
      } catch (error) {
        if (refusalOf(error) === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
  };
}

function deviceOf(threads: number): Device {
  const name = (cpus()[0]?.model ?? process.arch).trim().slice(0, 80);
  return {
    kind: 'cpu',
    name,
    threads,
    memoryBytes: totalmem(),
    software: `alice scorer node ${process.version}`.slice(0, 80),
  };
}

/**
 * @file Puts a miner together from parts that each platform makes its own way: the server's client, a cache of downloads
 * and a trainer. The same for a program on a computer and a worker in a browser.
 */
import { type Logger, refusalOf, type ServerClient, sleep } from '@alice/protocol';
import type { ContentCache } from './ContentCache.js';
import { DataMirror } from './DataMirror.js';
import type { MinerEvent } from './events.js';
import { MinerLoop } from './MinerLoop.js';
import type { AskServer, ModelMirrors } from './ModelMirrors.js';
import type { MinerServer } from './minerServer.js';
import { ShardStore } from './ShardStore.js';
import { sleepAwareClock } from './sleepAwareClock.js';
import type { OpenTrainer, Trainer, TrainerSource } from './trainer.js';

export interface MinerPorts {
  readonly log: Logger;
  /** Aborting it ends the miner cleanly after the step it is in. */
  readonly signal: AbortSignal;
  onEvent(event: MinerEvent): void;
}

export interface MinerParts {
  readonly client: ServerClient;
  readonly cache: ContentCache;
  readonly trainer: Trainer;
  prepare(): Promise<OpenTrainer>;
  /** The client as the loop sees it; the client itself unless given. */
  readonly server?: MinerServer;
  readonly maxTasks?: number | undefined;
  /** Why no new task should be taken now; asked before each. */
  readonly holdReason?: (() => Promise<string | undefined>) | undefined;
  /** Addresses of the dataset's files on plain web servers, asked before the parameter server. */
  readonly dataMirrors?: readonly string[] | undefined;
}

/** Where the pieces of the published model come from. */
export interface ModelPlaces {
  readonly client: ServerClient;
  readonly cache: ContentCache;
  readonly mirrors?: ModelMirrors | undefined;
}

export function assembleMiner(parts: MinerParts, { log, signal, onEvent }: MinerPorts): MinerLoop {
  const { client, cache, trainer, prepare, maxTasks } = parts;
  const mirrors = (parts.dataMirrors ?? []).map((url) => new DataMirror(url));
  const onBytes = (doneBytes: number, totalBytes: number): void =>
    onEvent({ type: 'download', what: 'data', doneBytes, totalBytes });
  const shards = new ShardStore(client, cache, { mirrors, onBytes });
  return new MinerLoop(
    {
      server: parts.server ?? client,
      trainer,
      shard: (shard, spans) => shards.shard(shard, spans),
      emit: onEvent,
      nowMs: sleepAwareClock(),
      holdReason: parts.holdReason ?? (async () => undefined),
      pause: (ms) => sleep(ms, signal).catch(() => undefined), // an aborted pause is just over
      random: Math.random,
      signal,
      prepare,
      debug: (message, facts) => log.debug(message, facts),
    },
    maxTasks,
  );
}

/** What the trainer asks the network for. */
export function trainerSource(
  { client, cache, mirrors }: ModelPlaces,
  onEvent: MinerPorts['onEvent'],
): TrainerSource {
  const fromServer: AskServer = ({ hash, maxBytes, onReceived }, fromByte = 0) =>
    client.blob(hash, {
      maxAnswerBytes: maxBytes,
      onReceived: (bytes) => onReceived(fromByte + bytes),
      ...(fromByte > 0 ? { range: { from: fromByte, to: maxBytes } } : {}),
    });
  return {
    blob: async ({ hash, sizeBytes, part: { beforeBytes, totalBytes } }) => {
      const onReceived = (bytes: number): void =>
        onEvent({ type: 'download', what: 'model', doneBytes: beforeBytes + bytes, totalBytes });
      const piece = { hash, maxBytes: sizeBytes, onReceived };
      return await cache.get(hash, () => mirrors?.piece(piece, fromServer) ?? fromServer(piece));
    },
    version: async (version) => {
      try {
        return await client.version(version);
      } catch (error) {
        if (refusalOf(error) === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    onLayer: (report) => onEvent({ type: 'layer', ...report }),
    onStep: (report) => onEvent({ type: 'step', ...report }),
  };
}

/**
 * @file Puts a server together without sockets or timers: state, compute thread, coordinator and HTTP app. `startServer`
 * adds the listening port and the clocks; tests drive this directly. Whatever fails while opening is closed again.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkConfig, modelLayout } from '@alice/model';
import { initCrypto, type Logger } from '@alice/protocol';
import { checkTrainingSettings } from '@alice/training';
import type { FastifyInstance } from 'fastify';
import { openServerData, type ServerData } from './adapters.js';
import { openFolderBlobStore } from './blobs/BlobStore.js';
import { startCompute } from './compute/Compute.js';
import type { ServerContext } from './context.js';
import { openDatabase } from './database/Database.js';
import { lockDir } from './dirLock.js';
import { readBalances } from './epochs/balances.js';
import { stepEpoch } from './epochs/EpochKeeper.js';
import { ServerError } from './errors.js';
import { createApp } from './http/app.js';
import { checkOptions, defaultServerLimits, type ServerOptions } from './options.js';
import type { ChainPort } from './ports.js';
import { ensureFirstVersion, identify, reportRecovery } from './recovery.js';
import { createRegistration } from './registration/Registration.js';
import { type Coordinator, createCoordinator } from './rounds/Coordinator.js';
import { createRefusalCounter } from './state/refusals.js';
import { buildStatus } from './status/buildStatus.js';
import { createStatusCache } from './status/StatusCache.js';
import { submissionBounds } from './submissionBounds.js';
import { createWaiters } from './waiters.js';

export interface ServerPorts {
  readonly log: Logger;
  readonly chain: ChainPort;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

export interface ServerCore {
  readonly app: FastifyInstance;
  readonly context: ServerContext;
  readonly coordinator: Coordinator;
  /** One look at the chain: settles what is due. */
  stepEpoch(): Promise<void>;
  readBalances(): Promise<void>;
  close(): Promise<void>;
  /** Stops without finishing or storing anything that is under way, as a kill would. For tests of recovery. */
  abandon(): Promise<void>;
}

type Closer = () => Promise<unknown>;

export async function openServerCore(options: ServerOptions, ports: ServerPorts): Promise<ServerCore> {
  const closers: Closer[] = [];
  try {
    return await open(options, ports, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function open(options: ServerOptions, ports: ServerPorts, closers: Closer[]): Promise<ServerCore> {
  checkOptions(options);
  checkTrainingSettings(options.training);
  const model = checkConfig(options.model);
  await initCrypto();
  mkdirSync(options.dir, { recursive: true });
  const lock = await lockDir(options.dir);
  closers.push(() => lock.release());
  const data = openServerData(options.dataDir);
  checkData(options, data);
  const db = await openDatabase(options.dir);
  closers.push(() => db.close());
  const { networkId, secret } = await identify(db, { options, model, data, ...ports });
  const blobDir = join(options.dir, 'blobs');
  const blobs = openFolderBlobStore(blobDir);
  const layout = modelLayout(model);
  const bounds = submissionBounds(layout, options.training);
  const compute = startCompute({ model, seed: options.seed, bounds, blobDir }, ports.log);
  closers.push(() => compute.close());
  const now = ports.clock ?? Date.now;
  const context: ServerContext = {
    options,
    limits: { ...defaultServerLimits, ...options.limits },
    model,
    layout,
    bounds,
    log: ports.log,
    chain: ports.chain,
    now,
    db,
    blobs,
    compute,
    data,
    refusals: createRefusalCounter(db),
    networkId,
    secret,
    startedAtMs: now(),
    waiting: { tasks: createWaiters(), jobs: createWaiters() },
    health: {
      lastScorerSeenMs: now(),
      chainUnreachableSinceMs: undefined,
      chainHeight: 0,
      totalIssuancePlanck: 0n,
      genesisIssuancePlanck: 0n,
      balances: [],
      epochMismatch: undefined,
    },
    nudge: () => void coordinator.step().catch(() => undefined), // the timer tries again and logs
    changed: () => status.changed(),
  };
  const status = createStatusCache(() => buildStatus(context), ports.log);
  const coordinator = createCoordinator(context);
  await ensureFirstVersion(context);
  await reportRecovery(context, blobs.orphans);
  const registration = createRegistration(context);
  const app = await createApp({ context, registration, status, isReady: () => true });
  closers.push(() => app.close());

  const release = async (): Promise<void> => {
    status.close();
    await coordinator.stop();
    context.waiting.tasks.wake();
    context.waiting.jobs.wake();
  };
  return {
    app,
    context,
    coordinator,
    stepEpoch: () => stepEpoch(context),
    readBalances: () => readBalances(context),
    async close() {
      await app.close();
      await release();
      await context.refusals.flush();
      await closeAll(closers);
    },
    async abandon() {
      await compute.close();
      await app.close();
      await release();
      await db.close(); // an embedded Postgres left open would keep writing beside the next one
      await lock.release();
    },
  };
}

/** Closes in reverse order; a failing closer does not keep the others open. */
async function closeAll(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined);
}

function checkData({ tokenizerId, model, training }: ServerOptions, data: ServerData): void {
  const mismatch = (field: string, expected: string, actual: string): ServerError =>
    new ServerError(
      { code: 'DATA_MISMATCH', field, expected, actual },
      `the dataset does not fit the model: ${field} is ${actual}, ${expected} is needed; build the dataset again`,
    );
  if (data.tokenizer !== tokenizerId) throw mismatch('tokenizer', tokenizerId, data.tokenizer);
  if (data.vocab > model.vocab) throw mismatch('vocabulary', `at most ${model.vocab}`, String(data.vocab));
  if (training.sequenceLength > model.context)
    throw mismatch('sequence length', `at most ${model.context}`, String(training.sequenceLength));
  const { mergeGate, sequenceLength } = training;
  const rows = data.validationRowCount(sequenceLength + 1);
  if (rows < mergeGate.minRows)
    throw new ServerError(
      { code: 'VALIDATION_TOO_SMALL', rows, needed: mergeGate.minRows },
      `the shards hold ${rows} validation rows of ${sequenceLength} tokens, at least ${mergeGate.minRows} are needed to judge updates: build the shards from more text`,
    );
}

/**
 * @file Puts a server together without sockets or timers: state, compute thread, coordinator and HTTP app. `startServer`
 * adds the listening port and the clocks; tests drive this directly. Whatever fails while opening is closed again.
 */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { checkConfig, modelLayout } from '@alice/model';
import { initCrypto, type Logger } from '@alice/protocol';
import { checkTrainingSettings } from '@alice/training';
import type { FastifyInstance } from 'fastify';
import { openServerData } from './adapters.js';
import { atMostEvery } from './atMostEvery.js';
import { openBlobStore } from './blobs/blobLocation.js';
import { checkData } from './checkData.js';
import { startCompute } from './compute/Compute.js';
import type { ServerContext } from './context.js';
import { type Database, openDatabase } from './database/Database.js';
import { createBanList } from './defence/BanList.js';
import { lockDir } from './dirLock.js';
import { readBalances } from './epochs/balances.js';
import { stepEpoch } from './epochs/EpochKeeper.js';
import { createApp } from './http/app.js';
import { createBandwidth } from './http/bandwidth.js';
import { closeGently } from './http/closeGently.js';
import { createMetrics } from './operations/metrics.js';
import { checkOptions, defaultServerLimits, SERVER_ROLES, type ServerOptions } from './options.js';
import type { ChainPort } from './ports.js';
import { closeToOthers, makePrivateFolder } from './privateFolder.js';
import { identify } from './recovery.js';
import { createRegistration } from './registration/Registration.js';
import { createAggregator } from './roles/aggregator.js';
import { createNodeNotices, sharedWaiters } from './roles/nodeNotices.js';
import { createSettler } from './roles/settler.js';
import type { Coordinator } from './rounds/Coordinator.js';
import { CopySources } from './rounds/CopySources.js';
import { keepAggregation } from './state/keepAggregation.js';
import { createRefusalCounter } from './state/refusals.js';
import { latestVersion } from './state/versions.js';
import { buildStatus } from './status/buildStatus.js';
import { createStatusCache } from './status/StatusCache.js';
import { submissionBounds } from './submissionBounds.js';
import { createBrokenUploads } from './uploads/BrokenUploads.js';
import { startIntake } from './uploads/Intake.js';
import { contributionBounds } from './upstream/contributionBounds.js';
import { followEpochs } from './upstream/followEpochs.js';

export interface ServerPorts {
  readonly log: Logger;
  readonly chain: ChainPort;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly clock?: (() => number) | undefined;
  /** Aborted while the server starts, it gives up waiting for others and throws; afterwards it means nothing. */
  readonly signal?: AbortSignal | undefined;
}

export interface ServerCore {
  readonly app: FastifyInstance;
  readonly context: ServerContext;
  readonly coordinator: Coordinator;
  /** One look at the chain: settles what is due. */
  stepEpoch(): Promise<void>;
  readBalances(): Promise<void>;
  /** Takes over the chain's list of banned addresses. */
  followBans(): Promise<void>;
  close(): Promise<void>;
  /** Stops without finishing or storing anything that is under way, as a kill would. For tests of recovery. */
  abandon(): Promise<void>;
}

type Closer = () => Promise<unknown>;

/** However many submissions arrive, the rounds are looked at no more often for their sake. */
const LOOK_EVERY_MS = 100;

export async function openServerCore(options: ServerOptions, ports: ServerPorts): Promise<ServerCore> {
  const closers: Closer[] = [];
  try {
    return await open(options, ports, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function open(asked: ServerOptions, ports: ServerPorts, closers: Closer[]): Promise<ServerCore> {
  checkOptions(asked);
  checkTrainingSettings(asked.training);
  const model = checkConfig(asked.model);
  await initCrypto();
  makePrivateFolder(asked.dir);
  const lock = await lockDir(asked.dir);
  closers.push(() => lock.release());
  const data = openServerData(asked.dataDir);
  checkData(asked, data);
  const db = await openDatabase(asked.dir, asked.databaseUrl);
  closers.push(() => db.close());
  const { networkId, secret } = await identify(db, { options: asked, model, data, ...ports });
  const options = await keepAggregation(db, asked, ports.log);
  const location = options.blobs ?? join(options.dir, 'blobs');
  const blobs = openBlobStore(location, { sweep: options.blobs === undefined });
  const layout = modelLayout(model);
  const bounds = submissionBounds(layout, options.training);
  const uploadBounds = options.regions?.length ? contributionBounds(layout, options.training) : bounds;
  const compute = startCompute(
    {
      ...{ model, seed: options.seed, bounds: uploadBounds, blobs: location, secret },
      scratch: join(options.dir, 'folding'),
    },
    ports.log,
  );
  closers.push(() => compute.close());
  const limits = { ...defaultServerLimits, ...options.limits };
  const intake = startIntake(
    {
      blobs: location,
      dir: join(options.dir, 'incoming'),
      limits: { layout, ...uploadBounds },
      threads: limits.intakeThreads,
    },
    ports.log,
  );
  closers.push(() => intake.close());
  for (const own of ['db', 'incoming']) closeToOthers(join(options.dir, own));
  const brokenUploads = createBrokenUploads(intake, { limits });
  closers.push(async () => brokenUploads.close());
  const now = ports.clock ?? Date.now;
  const notices = createNodeNotices(db);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // every page that listens waits for it
  const giveUp = (): void => closing.abort();
  if (ports.signal?.aborted) giveUp();
  ports.signal?.addEventListener('abort', giveUp);
  const started = (): void => ports.signal?.removeEventListener('abort', giveUp);
  closers.push(async () => started());
  closers.push(async () => notices.close());
  const context: ServerContext = {
    options,
    limits,
    model,
    layout,
    bounds,
    uploadBounds,
    log: ports.log,
    chain: ports.chain,
    now,
    db,
    blobs,
    compute,
    copies: new CopySources({ db, compute, now }, secret),
    intake,
    brokenUploads,
    downloads: createBandwidth(options.maxDownloadBytesPerSecond),
    data,
    refusals: createRefusalCounter(db),
    networkId,
    secret,
    startedAtMs: now(),
    waiting: { tasks: sharedWaiters(notices, 'tasks'), jobs: sharedWaiters(notices, 'jobs') },
    health: {
      lastScorerSeenMs: now(),
      chainUnreachableSinceMs: undefined,
      upstreamUnreachableSinceMs: undefined,
      chainHeight: 0,
      totalIssuancePlanck: 0n,
      genesisIssuancePlanck: 0n,
      balances: [],
      epochMismatch: undefined,
      chainBehind: undefined,
    },
    roles: new Set(options.roles ?? SERVER_ROLES),
    notices,
    closing: closing.signal,
    nudge() {
      look();
      if (!aggregator.isLeading) notices.tell('round');
    },
    changed() {
      status.changed();
      notices.tell('status');
    },
  };
  closing.signal.addEventListener('abort', () => {
    context.waiting.tasks.end();
    context.waiting.jobs.end();
  });
  // A failing step is tried again, and logged, by the timer.
  const look = atMostEvery(LOOK_EVERY_MS, () => void aggregator.step().catch(() => undefined));
  notices.on('round', look);
  notices.on('status', () => status.changed());
  const status = createStatusCache(() => buildStatus(context), ports.log);
  const aggregator = createAggregator(context, blobs.orphans);
  const settler = createSettler(context);
  closers.push(() => settler.stop());
  closers.push(() => aggregator.stop());
  await aggregator.seek();
  await settler.seek();
  const bans = createBanList(context);
  const metrics = createMetrics(context, () => aggregator.isLeading);
  const registration = createRegistration({ ...context, bans });
  const app = await createApp({ context, registration, status, isReady: readiness(db), bans, metrics });
  closers.push(() => app.close());
  started();

  const release = async (): Promise<void> => {
    status.close();
    await aggregator.stop();
    await settler.stop();
    notices.close();
  };
  return {
    app,
    context,
    coordinator: aggregator,
    stepEpoch: () => settler.run(options.upstream ? followEpochs : stepEpoch),
    readBalances: () => settler.run(readBalances),
    followBans: () => settler.run(async ({ chain }) => bans.follow((await chain.bans?.()) ?? [])),
    async close() {
      closing.abort();
      if (options.drainMs) await setTimeout(options.drainMs);
      await closeGently(app);
      await release();
      await context.refusals.flush();
      await closeAll(closers);
    },
    async abandon() {
      await compute.close();
      brokenUploads.close();
      await intake.close();
      closing.abort();
      app.server.closeAllConnections();
      await app.close();
      await release();
      await db.close(); // an embedded Postgres left open would keep writing beside the next one
      await lock.release();
    },
  };
}

/** Ready once a version is published: before that there is nothing to tell anybody. */
function readiness(db: Database): () => Promise<boolean> {
  let isReady = false;
  return async () => {
    isReady ||= (await latestVersion(db)) !== undefined;
    return isReady;
  };
}

/** Closes in reverse order; a failing closer does not keep the others open. */
async function closeAll(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch(() => undefined);
}

/** @file Gathers `GET /v1/status` from the database and what was last heard of the chain. Reads only. */
import type { NetworkStatus } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { loadBlobUse } from '../state/blobUse.js';
import { settledEpochs } from '../state/epochs.js';
import { oldestQueuedMs } from '../state/jobs.js';
import { recentMembers } from '../state/members.js';
import { countRounds, lastFinishedRound } from '../state/rounds.js';
import { loadHealth } from '../state/sharedFacts.js';
import type { VersionRow } from '../state/versions.js';
import { alarmsOf } from './alarms.js';
import { thin } from './thin.js';

const MAX_POINTS = 2_000;
const MAX_MEMBERS = 200;
/** Of older epochs the chain tells. */
const STATUS_EPOCHS = { epochs: 200, payouts: 10_000 };

export async function buildStatus(context: ServerContext): Promise<NetworkStatus> {
  const { db, options, model, layout, health, roles } = context;
  if (db.shared && !roles.has('epochs')) await loadHealth(db, health);
  const nowMs = context.now();
  const uniformLossNats = Math.log(model.vocab);
  const versions = await db.query<VersionRow>(
    `SELECT version, created_ms, loss_nats, loss_error_nats, trained_tokens, uplink_bytes, accepted, state_root
     FROM versions, (SELECT MAX(version) AS latest FROM versions) AS newest
     WHERE version % (latest / $1 + 1) = 0 OR version >= latest - 1 ORDER BY version`,
    [MAX_POINTS],
  );
  return {
    serverTimeMs: nowMs,
    startedAtMs: context.startedAtMs,
    networkId: context.networkId,
    serverId: options.serverKey.address,
    model: { name: model.name, parameters: layout.size, vocab: model.vocab, tokenizer: options.tokenizerId },
    uniformLossNats,
    versions: thin(versions, MAX_POINTS).map(versionPoint),
    submissions: await submissionCounts(context),
    refusedRequests: await context.refusals.totals(),
    rounds: await countRounds(db),
    miners: (await recentMembers(db, MAX_MEMBERS)).map((row) => ({
      address: row.address,
      instance: row.instance,
      role: row.role,
      device: `${row.device.kind} ${row.device.name}`,
      lastSeenMs: row.last_seen_ms,
      accepted: row.accepted,
      refused: row.refused,
      score: row.score,
    })),
    epochs: (await settledEpochs(db, STATUS_EPOCHS)).map(({ settled, payouts }) => ({
      epoch: settled.index,
      startedAtMs: settled.startedAtMs,
      endedAtMs: settled.endedAtMs,
      mintedPlanck: settled.mintedPlanck,
      fromVersion: settled.fromVersion,
      toVersion: settled.toVersion,
      payouts: [...payouts],
    })),
    balances: health.balances.map(({ address, role, planck }) => ({
      address,
      role,
      planck: planck.toString(),
    })),
    totalIssuancePlanck: health.totalIssuancePlanck.toString(),
    genesisIssuancePlanck: health.genesisIssuancePlanck.toString(),
    chain: { height: health.chainHeight, reachable: health.chainUnreachableSinceMs === undefined },
    alarms: alarmsOf({
      nowMs,
      uniformLossNats,
      versions: versions.slice(-2),
      blobUse: await loadBlobUse(db),
      lastRound: await lastFinishedRound(db),
      oldestJobMs: await oldestQueuedMs(db),
      ...health,
    }),
  };
}

function versionPoint(row: VersionRow): NetworkStatus['versions'][number] {
  return {
    version: row.version,
    createdAtMs: row.created_ms,
    heldOutLossNats: row.loss_nats,
    standardErrorNats: row.loss_error_nats,
    trainedTokens: row.trained_tokens,
    uplinkBytes: row.uplink_bytes,
    acceptedSubmissions: row.accepted,
    stateRoot: row.state_root,
  };
}

async function submissionCounts({ db }: ServerContext): Promise<NetworkStatus['submissions']> {
  const rows = await db.query<{ status: string; code: string | null; n: number }>(
    'SELECT status, code, n FROM submission_totals WHERE n > 0',
  );
  const of = (status: string) => rows.filter((row) => row.status === status);
  const sum = (status: string) => of(status).reduce((total, { n }) => total + n, 0);
  return {
    accepted: sum('accepted'),
    queued: sum('queued'),
    refused: Object.fromEntries(of('refused').map(({ code, n }) => [code || 'UNKNOWN', n])),
  };
}

/**
 * @file What a start finds: whose folder it is, whether a first version exists, and what a killed server left undone.
 * Nothing is repaired by guessing: every unfinished piece of work is either complete in the database or done again.
 */
import { randomBytes } from 'node:crypto';
import type { ModelConfig } from '@alice/model';
import { type HexString, hashJson, type Logger, toHex } from '@alice/protocol';
import type { ServerData } from './adapters.js';
import { removeOrphans } from './blobs/collectGarbage.js';
import type { ServerContext } from './context.js';
import type { Database } from './database/Database.js';
import { ServerError } from './errors.js';
import type { ServerOptions } from './options.js';
import type { ChainPort } from './ports.js';
import { versionRow } from './rounds/publishVersion.js';
import { queueReportJob } from './scoring/queueJob.js';
import { readMeta, writeMeta } from './state/meta.js';
import { currentRound, openRound } from './state/rounds.js';
import { insertVersion, latestVersion } from './state/versions.js';

export interface Identity {
  readonly networkId: HexString;
  readonly secret: HexString;
}

interface IdentityFacts {
  readonly options: ServerOptions;
  readonly model: ModelConfig;
  readonly data: ServerData;
  readonly chain: ChainPort;
  readonly log: Logger;
}

/**
 * Binds the folder to its network on the first start; later checks that it still is the same one. A folder that knows
 * its network starts without the chain. Throws `SERVER_DIR_MISMATCH`, `CHAIN_NEEDED`, `SERVER_STATE_LOST`,
 * `BEGIN_ANEW_WRONG`.
 */
export async function identify(db: Database, facts: IdentityFacts): Promise<Identity> {
  const { options, model, data, log } = facts;
  const meta = await readMeta(db);
  const known = meta.get('networkId') as HexString | undefined;
  const networkId = (await askChain(facts, known)) ?? known!;
  const expected: Record<string, string> = {
    networkId,
    serverId: options.serverKey.address,
    model: hashJson(model),
    tokenizer: options.tokenizerId,
    dataRoot: data.root,
    seed: options.seed,
  };
  if (known === undefined) {
    await refuseLostState(facts);
    const secret = await writeIdentity(db, expected);
    if (secret) {
      log.info('New server folder', { dir: options.dir, networkId });
      return { networkId, secret };
    }
    return identify(db, facts); // another node was faster
  }
  for (const [field, value] of Object.entries(expected))
    if (meta.get(field) !== value)
      throw new ServerError(
        {
          code: 'SERVER_DIR_MISMATCH',
          dir: options.dir,
          field,
          expected: meta.get(field) ?? '',
          actual: value,
        },
        `the folder ${options.dir} belongs to another ${field}: start with the old settings, or use a new folder`,
      );
  return { networkId, secret: meta.get('secret') as HexString };
}

/**
 * A database that was never used, beside a chain that has settled epochs: the server's own was lost, or another one is
 * meant. Beginning would train another model from the seed, owe nothing to anybody and sweep the old model's blobs, so
 * it is done only on the word of a person. The word names the epoch: left in a start script, it is no longer true when a
 * database is lost again. A region settles nothing, and a new one comes to a chain that has gone on for long.
 */
async function refuseLostState({ options, chain, log }: IdentityFacts): Promise<void> {
  if (options.upstream !== undefined) return;
  const epoch = (await chain.status().catch(chainNeeded)).currentEpoch;
  if (epoch === 0 && options.beginAnew === undefined) return;
  if (options.beginAnew === epoch) {
    log.warn('Beginning anew beside a chain that has settled epochs: what was not paid is lost', { epoch });
    return;
  }
  const place = options.databaseUrl === undefined ? `the database in ${options.dir}` : 'the database';
  if (options.beginAnew !== undefined)
    throw new ServerError(
      { code: 'BEGIN_ANEW_WRONG', asked: options.beginAnew, epoch },
      `--begin-anew ${options.beginAnew} is not the epoch that the chain is at, which is ${epoch}: look whether this is the chain and ${place} that you mean`,
    );
  throw new ServerError(
    { code: 'SERVER_STATE_LOST', dir: options.dir, epochs: epoch },
    `${place} is empty, but the chain has settled ${epoch} epoch${epoch === 1 ? '' : 's'}: check --dir, --database and ALICE_DATABASE_URL, or restore a backup ("alice server restore FOLDER" with the same options); only if there is none, --begin-anew ${epoch} trains a new model from the seed, and work that was not paid yet is lost`,
  );
}

/** Makes and stores the secret; undefined when another node of the same database has just done so. */
function writeIdentity(
  db: Database,
  expected: Readonly<Record<string, string>>,
): Promise<HexString | undefined> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [IDENTITY_LOCK]);
    if ((await readMeta(tx)).has('networkId')) return undefined;
    const secret = toHex(randomBytes(32));
    await writeMeta(tx, { ...expected, secret });
    return secret;
  });
}
const IDENTITY_LOCK = 7_201_948;

async function askChain(
  { chain, log }: IdentityFacts,
  known: string | undefined,
): Promise<HexString | undefined> {
  try {
    return await chain.genesisHash();
  } catch (cause) {
    if (known === undefined) return chainNeeded(cause);
    log.warn('Chain does not answer; starting with the network this folder belongs to');
    return undefined;
  }
}

function chainNeeded(cause: unknown): never {
  throw new ServerError(
    { code: 'CHAIN_NEEDED' },
    'a first start needs the chain: start it and check its address',
    { cause },
  );
}

/** Makes version 0 when there is none: seeded random weights, the first round, and the job that measures it. */
export async function ensureFirstVersion(context: ServerContext): Promise<void> {
  if (await latestVersion(context.db)) return;
  const candidate = await context.compute.first();
  const nowMs = context.now();
  await context.db.transaction(async (tx) => {
    const row = versionRow(context, candidate, {
      version: 0,
      parent_state_root: null,
      created_ms: nowMs,
      loss_nats: null,
      loss_error_nats: null,
      trained_tokens: 0,
      uplink_bytes: 0,
      accepted: 0,
    });
    await insertVersion(tx, row);
    await openRound(tx, { round: 0, version: 0, nowMs });
    await queueReportJob(context, tx, { kind: 'baseline', subject: 0, blob: null, base: row });
  });
  context.log.info('Version 0 published', {
    stateRoot: candidate.stateRoot,
    parameters: context.layout.size,
  });
}

const ORPHAN_AGE_MS = 3_600_000;

/** Removes what nothing refers to and says what there is to resume. */
export async function reportRecovery(context: ServerContext, temporaryFiles: number): Promise<void> {
  const { db, blobs, log } = context;
  // Where other nodes store blobs too, a young one may belong to a row that is about to be written.
  const orphans = await removeOrphans(
    db,
    blobs,
    context.options.blobs === undefined ? undefined : Date.now() - ORPHAN_AGE_MS,
  );
  const count = async (sql: string): Promise<number> => (await db.query<{ n: number }>(sql))[0]?.n ?? 0;
  const round = await currentRound(db);
  log.info('Server state', {
    version: (await latestVersion(db))!.version,
    round: round.round,
    roundStatus: round.status,
    openTasks: await count(`SELECT COUNT(*) AS n FROM tasks WHERE status = 'open'`),
    submissionsWaiting: await count(`SELECT COUNT(*) AS n FROM submissions WHERE status = 'queued'`),
    jobsWaiting: await count(`SELECT COUNT(*) AS n FROM jobs WHERE status <> 'done'`),
    epochsPending: await count(`SELECT COUNT(*) AS n FROM epochs WHERE status = 'pending'`),
    temporaryFilesRemoved: temporaryFiles,
    orphanBlobsRemoved: orphans,
  });
}

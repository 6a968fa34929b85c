/**
 * @file Figures for Prometheus. What the process counts is counted as it happens; what the database knows is read when
 * somebody asks, with queries that use an index or a small table. Nothing names an address or a token.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServerContext } from '../context.js';
import { loadBlobUse } from '../state/blobUse.js';

export interface Metrics {
  observe(request: { route: string; method: string; status: number; seconds: number }): void;
  refused(code: string): void;
  /** The text that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30];

export function createMetrics(context: ServerContext, isLeading: () => boolean): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'alice_http_request_seconds',
    help: 'Time from the first byte of a request to the end of its answer; long polls wait on purpose',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  });
  const refusals = new Counter({
    name: 'alice_refusals_total',
    help: 'Requests this node refused, by code',
    labelNames: ['code'],
    registers,
  });
  new Counter({
    name: 'alice_download_bytes_total',
    help: 'Bytes of blobs and shards this node sent to other machines',
    registers,
    collect() {
      this.reset();
      this.inc(context.downloads.sentBytes);
    },
  });
  for (const [name, help, read] of gauges(context, isLeading))
    new Gauge({
      name,
      help,
      labelNames: ['kind'],
      registers,
      async collect() {
        const values = await read().catch(() => undefined); // a database that is away has no figures
        this.reset();
        for (const [kind, value] of Object.entries(values ?? {}))
          this.set(kind === '' ? {} : { kind }, value);
      },
    });
  return {
    observe: ({ route, method, status, seconds }) =>
      requests.observe({ route, method, status: String(status) }, seconds),
    refused: (code) => refusals.inc({ code }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

type Reading = [name: string, help: string, read: () => Promise<Record<string, number>>];

function gauges({ db, waiting, health, downloads }: ServerContext, isLeading: () => boolean): Reading[] {
  const counts = async (sql: string): Promise<Record<string, number>> =>
    Object.fromEntries((await db.query<{ kind: string; n: number }>(sql)).map(({ kind, n }) => [kind, n]));
  const one = async (sql: string): Promise<Record<string, number>> => {
    const [row] = await db.query<{ n: number | null }>(sql);
    return row?.n == null ? {} : { '': row.n };
  };
  return [
    // First: those below ask the database, and this is about the load of everybody else.
    ['alice_database', 'Connections of the pool', async () => ({ ...(db.shared?.load() ?? {}) })],
    [
      'alice_submissions',
      'Submissions by status, since the network began',
      () => counts('SELECT status AS kind, SUM(n)::bigint AS n FROM submission_totals GROUP BY status'),
    ],
    [
      'alice_jobs',
      'Scoring jobs that are not done',
      () =>
        counts(
          `SELECT status AS kind, COUNT(*) AS n FROM jobs WHERE status IN ('queued', 'leased') GROUP BY status`,
        ),
    ],
    [
      'alice_open_tasks',
      'Tasks given out and not answered',
      () => one(`SELECT COUNT(*) AS n FROM tasks WHERE status = 'open'`),
    ],
    ['alice_version', 'Latest published version', () => one('SELECT MAX(version) AS n FROM versions')],
    [
      'alice_held_out_loss_nats',
      'Held-out loss of the latest version',
      () => one('SELECT loss_nats AS n FROM versions ORDER BY version DESC LIMIT 1'),
    ],
    [
      'alice_trained_tokens',
      'Tokens of merged work',
      () => one('SELECT trained_tokens AS n FROM versions ORDER BY version DESC LIMIT 1'),
    ],
    [
      'alice_epochs',
      'Epochs by status',
      () => counts('SELECT status AS kind, COUNT(*) AS n FROM epochs GROUP BY status'),
    ],
    ['alice_bans', 'Banned addresses', () => one('SELECT COUNT(*) AS n FROM bans')],
    [
      'alice_waiting_requests',
      'Long polls held open',
      async () => ({
        tasks: waiting.tasks.size,
        jobs: waiting.jobs.size,
      }),
    ],
    [
      'alice_blob_bytes',
      'Blobs that are referred to, and their quota, after the last round; no figure without --blob-quota-gb',
      async () => {
        const use = await loadBlobUse(db);
        return use ? { used: use.usedBytes, quota: use.quotaBytes } : {};
      },
    ],
    [
      'alice_downloads_waiting',
      'Slices of downloads that wait for --max-download-mbps, one of each connection at most',
      async () => ({ '': downloads.waiting }),
    ],
    [
      'alice_download_limit_bytes_per_second',
      'What --max-download-mbps allows; no figure without it',
      async () => (downloads.limitBytesPerSecond === undefined ? {} : { '': downloads.limitBytesPerSecond }),
    ],
    ['alice_leading', '1 on the node that runs the rounds', async () => ({ '': isLeading() ? 1 : 0 })],
    [
      'alice_chain_reachable',
      '0 while the chain does not answer',
      async () => ({
        '': health.chainUnreachableSinceMs === undefined ? 1 : 0,
      }),
    ],
  ];
}

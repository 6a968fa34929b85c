/**
 * @file The options of a parameter server, with meaning, unit and bounds per field, and the defaults of its limits.
 * Nothing is read from the environment here. Options are checked once, by `checkOptions`.
 */
import { availableParallelism } from 'node:os';
import type { ModelConfig } from '@alice/model';
import { type Address, CodedError, type KeyPair } from '@alice/protocol';
import type { AggregationRule, TrainingSettings } from '@alice/training';

export interface RoundOptions {
  /** How long a miner may start inner steps, ms. */
  readonly windowMs: number;
  /** What a task's deadline allows on top for compression and upload, ms. */
  readonly uploadMs: number;
  /** A round with accepted work closes at this age at the latest, ms; counted from its first task. */
  readonly maxRoundMs: number;
  /** Accepted submissions that close a round at once; absent: wait for every open task. */
  readonly targetSubmissions?: number | undefined;
}

export interface ServerLimits {
  /** JSON bodies, bytes. */
  readonly jsonBytes: number;
  /** Requests a minute of one remote IP address, and of one from this machine. */
  readonly perIpPerMinute: number;
  readonly perLoopbackPerMinute: number;
  /** Requests a minute of one token holder, and of one on this machine. */
  readonly perMemberPerMinute: number;
  readonly perLoopbackMemberPerMinute: number;
  /** Devices of one address. */
  readonly instancesPerAddress: number;
  /** Registrations begun a minute from one remote IP address, and from this machine. */
  readonly registrationsPerIpPerMinute: number;
  readonly registrationsPerLoopbackPerMinute: number;
  /** Challenges waiting for an answer at once. */
  readonly openChallenges: number;
  /** Uploads at once; more are asked to come back. Each holds a connection and an open file, and little memory. */
  readonly submissionsAtOnce: number;
  /** Uploads at once of one device, which has one task at a time, and of one remote IP address. */
  readonly submissionsPerMember: number;
  readonly submissionsPerIp: number;
  /** Threads that uploads are checked in. */
  readonly intakeThreads: number;
  /** What is kept of uploads whose connection broke, bytes and uploads; beyond it the oldest are forgotten. */
  readonly brokenUploadBytes: number;
  readonly brokenUploads: number;
  /** How long it is kept, ms. */
  readonly brokenUploadMs: number;
  /** Status pages listening at once, and of one remote IP address. */
  readonly eventStreams: number;
  readonly eventStreamsPerIp: number;
  /** Longest wait for a request's headers, ms. */
  readonly headersTimeoutMs: number;
  /** Connections at once, and of one remote IP address; more are refused before they cost anything. */
  readonly connections: number;
  readonly connectionsPerIp: number;
  /** Longest silence of a sender in the middle of an upload, ms. */
  readonly uploadIdleMs: number;
  /** Longest silence of a reader in the middle of a download, ms. */
  readonly downloadIdleMs: number;
  /** Longest wait for a request's bytes, ms. */
  readonly requestTimeoutMs: number;
  readonly challengeTtlMs: number;
  readonly tokenTtlMs: number;
  /** A scorer that is silent for this long loses its job, ms. */
  readonly leaseMs: number;
  /** Attempts after which a submission that no scorer finishes is refused. */
  readonly jobAttempts: number;
  readonly snapshotsKept: number;
  /** FP32 weights of the latest versions: submissions are compared with the updates between them. */
  readonly mastersKept: number;
  readonly setDeltasKept: number;
  readonly submissionVersionsKept: number;
}

export const defaultServerLimits: ServerLimits = {
  jsonBytes: 16_384,
  perIpPerMinute: 1_200,
  perLoopbackPerMinute: 60_000,
  perMemberPerMinute: 600,
  perLoopbackMemberPerMinute: 60_000,
  instancesPerAddress: 64,
  registrationsPerIpPerMinute: 60,
  registrationsPerLoopbackPerMinute: 60_000,
  openChallenges: 10_000,
  submissionsAtOnce: 2_048,
  submissionsPerMember: 4,
  submissionsPerIp: 64,
  intakeThreads: Math.min(4, availableParallelism()),
  brokenUploadBytes: 2 ** 30,
  brokenUploads: 2_048,
  brokenUploadMs: 900_000,
  eventStreams: 100,
  eventStreamsPerIp: 10,
  headersTimeoutMs: 15_000,
  connections: 10_000,
  connectionsPerIp: 500,
  uploadIdleMs: 20_000,
  downloadIdleMs: 30_000,
  requestTimeoutMs: 120_000,
  challengeTtlMs: 60_000, // REG-1
  tokenTtlMs: 3_600_000,
  leaseMs: 60_000,
  jobAttempts: 5,
  snapshotsKept: 3,
  mastersKept: 5,
  setDeltasKept: 200,
  submissionVersionsKept: 50,
};

/**
 * What one process does. `api` answers HTTP; `aggregator` runs the rounds (one node at a time); `epochs` settles with
 * the chain (one node at a time). Scorers are processes of their own that reach any API node.
 */
export const SERVER_ROLES = ['api', 'aggregator', 'epochs'] as const;
export type ServerRole = (typeof SERVER_ROLES)[number];

export interface ServerOptions {
  /** Folder of this node: lock, and the database and blobs unless they are given by URL. */
  readonly dir: string;
  /** `postgres://…` of a database that nodes share; default: an embedded one in `dir`. */
  readonly databaseUrl?: string | undefined;
  /** Use an empty database beside a chain that has settled epochs and is at this one; default: refuse to. */
  readonly beginAnew?: number | undefined;
  /** Blobs that nodes share: a folder or `s3://BUCKET?endpoint=…`; default: a folder in `dir`. */
  readonly blobs?: string | undefined;
  /** What this process does; default: everything. */
  readonly roles?: readonly ServerRole[] | undefined;
  /** Name of this node in logs and metrics; default: its process id. */
  readonly node?: string | undefined;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** Signs versions; its address is the server's identity and earns the infrastructure share. */
  readonly serverKey: KeyPair;
  /** Addresses that may register as scorers. */
  readonly scorers: readonly Address[];
  readonly model: ModelConfig;
  /** Addresses of regional servers that may contribute for their miners. */
  readonly regions?: readonly Address[] | undefined;
  /** Makes this a regional server: rounds, versions and pay come from the server at that address. */
  readonly upstream?: { readonly url: string } | undefined;
  /** Id of the tokenizer the dataset was made with, for example `gpt2-4096`. */
  readonly tokenizerId: string;
  /** Folder of a built dataset. */
  readonly dataDir: string;
  /** Seed of everything public that is random: initial weights, data assignment, row order. */
  readonly seed: string;
  /** Its `aggregation` counts for a new network; later ones keep theirs (`keepAggregation`). */
  readonly training: TrainingSettings;
  /** From now on this network aggregates by this rule. */
  readonly changeAggregation?: AggregationRule | undefined;
  readonly round: RoundOptions;
  /** Time between settlements, ms. */
  readonly epochMs: number;
  /** After `close` it is not ready at once, and goes on serving for so long, until balancers have noticed, ms. Default: 0. */
  readonly drainMs?: number | undefined;
  /** A reverse proxy on this machine adds X-Forwarded-For: count its clients, not the proxy. Default: no. */
  readonly trustProxy?: boolean | undefined;
  /** Who may read /metrics from another machine; without it nobody. */
  readonly metricsToken?: string | undefined;
  /** Certificate and key, PEM; without them the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Status page files, served at `/`. */
  readonly staticDir?: string | undefined;
  /** WebSocket address of a chain node for the status page's explorer and wallet. */
  readonly pageChainWs?: string | undefined;
  /** HTTP address of an inference endpoint (`alice serve`) that the status page talks to through `/inference`. */
  readonly inferenceUrl?: string | undefined;
  /**
   * Bytes a second that this process sends of blobs and shards (weights, set-deltas, submissions to judge, training text) to
   * other machines, shared evenly over the addresses that ask. Default: no limit.
   */
  readonly maxDownloadBytesPerSecond?: number | undefined;
  /**
   * Bytes of blobs to keep. Beyond them the oldest set-deltas and submissions go before `limits` would let them, as far as
   * nobody needs them. Default: only the counts of `limits`.
   */
  readonly blobQuotaBytes?: number | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
}

/** Throws `OPTIONS_INVALID` naming the field; a server with such options would fail later and less clearly. */
export function checkOptions(options: ServerOptions): void {
  const positive: [string, number][] = [
    ['round.windowMs', options.round.windowMs],
    ['round.uploadMs', options.round.uploadMs],
    ['round.maxRoundMs', options.round.maxRoundMs],
    ['round.targetSubmissions', options.round.targetSubmissions ?? 1],
    ['epochMs', options.epochMs],
    ['blobQuotaBytes', options.blobQuotaBytes ?? 1],
    ['maxDownloadBytesPerSecond', options.maxDownloadBytesPerSecond ?? 1],
    ...Object.entries(options.limits ?? {}).map(([name, value]): [string, number] => [
      `limits.${name}`,
      value,
    ]),
  ];
  for (const [field, value] of positive)
    if (!Number.isFinite(value) || value <= 0) throw invalid(field, value, 'a positive number');
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535)
    throw invalid('port', options.port, 'a whole number from 0 to 65535');
  checkRoles(options);
  if (options.seed.length === 0 || options.seed.length > 64)
    throw invalid('seed', options.seed.length, '1 to 64 characters');
}

/** A part of the roles makes sense only where other processes see the same state. */
function checkRoles({ roles = SERVER_ROLES, databaseUrl, blobs }: ServerOptions): void {
  if (roles.length === 0 || roles.some((role) => !SERVER_ROLES.includes(role)))
    throw invalid('roles', roles.join(','), `some of ${SERVER_ROLES.join(', ')}`);
  if (new Set(roles).size < SERVER_ROLES.length && (databaseUrl === undefined || blobs === undefined))
    throw invalid('roles', roles.join(','), 'all of them, unless database and blobs are given by URL');
}

function invalid(field: string, value: number | string, wanted: string): CodedError {
  return new CodedError(
    { code: 'OPTIONS_INVALID', field, value },
    `the option ${field} must be ${wanted}, not ${value}`,
  );
}

/**
 * @file The options of a parameter server, with meaning, unit and bounds per field, and the defaults of its limits.
 * Nothing is read from the environment here. Options are checked once, by `checkOptions`.
 */
import type { ModelConfig } from '@alice/model';
import { type Address, CodedError, type KeyPair } from '@alice/protocol';
import type { TrainingSettings } from '@alice/training';

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
  /** Challenges waiting for an answer at once. */
  readonly openChallenges: number;
  /** Submissions being decoded at once; more are asked to come back. */
  readonly submissionsAtOnce: number;
  /** Status pages listening at once. */
  readonly eventStreams: number;
  /** Longest wait for a request's bytes, ms. */
  readonly requestTimeoutMs: number;
  readonly challengeTtlMs: number;
  readonly tokenTtlMs: number;
  /** A scorer that is silent for this long loses its job, ms. */
  readonly leaseMs: number;
  /** Attempts after which a submission that no scorer finishes is refused. */
  readonly jobAttempts: number;
  readonly snapshotsKept: number;
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
  openChallenges: 10_000,
  submissionsAtOnce: 16,
  eventStreams: 100,
  requestTimeoutMs: 120_000,
  challengeTtlMs: 60_000, // REG-1
  tokenTtlMs: 3_600_000,
  leaseMs: 60_000,
  jobAttempts: 5,
  snapshotsKept: 3,
  setDeltasKept: 200,
  submissionVersionsKept: 50,
};

export interface ServerOptions {
  /** Folder of everything this server must not lose: database and blobs. */
  readonly dir: string;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  /** Signs versions; its address is the server's identity and earns the infrastructure share. */
  readonly serverKey: KeyPair;
  /** Addresses that may register as scorers. */
  readonly scorers: readonly Address[];
  readonly model: ModelConfig;
  /** Id of the tokenizer the dataset was made with, for example `gpt2-4096`. */
  readonly tokenizerId: string;
  /** Folder of a built dataset. */
  readonly dataDir: string;
  /** Seed of everything public that is random: initial weights, data assignment, row order. */
  readonly seed: string;
  readonly training: TrainingSettings;
  readonly round: RoundOptions;
  /** Time between settlements, ms. */
  readonly epochMs: number;
  /** A reverse proxy on this machine adds X-Forwarded-For: count its clients, not the proxy. Default: no. */
  readonly trustProxy?: boolean | undefined;
  /** Status page files, served at `/`. */
  readonly staticDir?: string | undefined;
  /** WebSocket address of a chain node for the status page's explorer and wallet. */
  readonly pageChainWs?: string | undefined;
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
    ...Object.entries(options.limits ?? {}).map(([name, value]): [string, number] => [
      `limits.${name}`,
      value,
    ]),
  ];
  for (const [field, value] of positive)
    if (!Number.isFinite(value) || value <= 0) throw invalid(field, value, 'a positive number');
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > 65_535)
    throw invalid('port', options.port, 'a whole number from 0 to 65535');
  if (options.seed.length === 0 || options.seed.length > 64)
    throw invalid('seed', options.seed.length, '1 to 64 characters');
}

function invalid(field: string, value: number, wanted: string): CodedError {
  return new CodedError(
    { code: 'OPTIONS_INVALID', field, value },
    `the option ${field} must be ${wanted}, not ${value}`,
  );
}

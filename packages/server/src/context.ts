/** @file What every part of the running server shares: options, ports, stores and wake-up calls. Made by `startServer`. */
import type { ModelConfig } from '@alice/model';
import type { Address, HexString, Logger, TensorLayout } from '@alice/protocol';
import type { ServerData } from './adapters.js';
import type { BlobStore } from './blobs/BlobStore.js';
import type { Compute } from './compute/Compute.js';
import type { Database } from './database/Database.js';
import type { Bandwidth } from './http/bandwidth.js';
import type { ServerLimits, ServerOptions, ServerRole } from './options.js';
import type { ChainPort } from './ports.js';
import type { NodeNotices } from './roles/nodeNotices.js';
import type { CopySources } from './rounds/CopySources.js';
import type { RefusalCounter } from './state/refusals.js';
import type { ChainBehind } from './status/alarms.js';
import type { SubmissionBounds } from './submissionBounds.js';
import type { BrokenUploads } from './uploads/BrokenUploads.js';
import type { Intake } from './uploads/Intake.js';
import type { Waiters } from './waiters.js';

export interface ServerContext {
  readonly options: ServerOptions;
  readonly limits: ServerLimits;
  readonly model: ModelConfig;
  readonly layout: TensorLayout;
  /** Of a miner's submission. */
  readonly bounds: SubmissionBounds;
  /** Of any submission, regions' contributions included. */
  readonly uploadBounds: SubmissionBounds;
  readonly log: Logger;
  readonly chain: ChainPort;
  readonly now: () => number;
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly compute: Compute;
  /** Submissions that a new one may be a copy of. */
  readonly copies: CopySources;
  /** Where uploads go; its thread runs on API nodes. */
  readonly intake: Intake;
  /** What has arrived of uploads whose connection broke. */
  readonly brokenUploads: BrokenUploads;
  /** Of blobs and shards that leave this machine. */
  readonly downloads: Bandwidth;
  readonly data: ServerData;
  readonly refusals: RefusalCounter;
  /** The chain's genesis hash. */
  readonly networkId: HexString;
  /** 32 random bytes as hex, made with the folder: whoever knows it knows the validation rows. */
  readonly secret: HexString;
  readonly startedAtMs: number;
  /** Miners waiting for a task, scorers waiting for a job, pages waiting for a change. */
  readonly waiting: { readonly tasks: Waiters; readonly jobs: Waiters };
  readonly health: Health;
  /** Whether this node answers HTTP, runs the rounds, settles epochs. */
  readonly roles: ReadonlySet<ServerRole>;
  readonly notices: NodeNotices;
  /** Ends when the server begins to close: long polls answer, streams end, readiness is gone. */
  readonly closing: AbortSignal;
  /** Something happened that the coordinator should look at now. */
  nudge(): void;
  /** Something happened that the status page should show. */
  changed(): void;
}

/** What the alarms look at besides the database. Mutable: each part writes what it saw last. */
export interface Health {
  lastScorerSeenMs: number;
  chainUnreachableSinceMs: number | undefined;
  /** Of a regional server. */
  upstreamUnreachableSinceMs: number | undefined;
  chainHeight: number;
  totalIssuancePlanck: bigint;
  genesisIssuancePlanck: bigint;
  balances: readonly { readonly address: Address; readonly role: string; readonly planck: bigint }[];
  epochMismatch: { readonly epoch: number; readonly sinceMs: number } | undefined;
  chainBehind: ChainBehind | undefined;
}

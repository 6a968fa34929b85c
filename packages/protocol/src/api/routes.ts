/**
 * @file The one table of HTTP routes of the parameter server: method, path, who may call, what goes in and out. The
 * server registers its handlers from it and the client calls through it, so the two cannot drift apart.
 */
import type { TSchema } from '@sinclair/typebox';
import { BansSchema, OperatorRequestSchema } from './operator.js';
import {
  ReceiptListSchema,
  ReceiptPageSchema,
  ReceiptProofSchema,
  SignedReceiptSchema,
  VersionFoldSchema,
} from './receipts.js';
import {
  CommitRequestSchema,
  CommitSchema,
  CreditsSchema,
  HeldReceiptsSchema,
  RegionReceiptsSchema,
} from './regions.js';
import {
  AccessSchema,
  ChallengeRequestSchema,
  ChallengeSchema,
  NetworkSchema,
  RegisterRequestSchema,
  ScoringJobSchema,
  ScoringResultSchema,
  ShardListSchema,
  SubmissionSchema,
  TaskRequestSchema,
  TaskSchema,
  VersionSchema,
} from './schemas.js';
import { StatusSchema } from './status.js';
import { PARTIAL_UPLOAD, ResumeHeadersSchema, SubmitHeadersSchema, UploadSchema } from './uploads.js';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  /**
   * Who may call: anyone, or the holder of a token with that role (`member`: either role). `open`: anyone, and who sends a
   * token is known by it.
   */
  readonly access: 'public' | 'open' | 'miner' | 'scorer' | 'member';
  /** Headers of the request that the route reads besides those of every route. */
  readonly headers?: TSchema;
  readonly body?: TSchema | 'bytes';
  /** JSON schema of a 200/202 answer, or raw bytes. Some routes may also answer 204 (nothing now, see Retry-After). */
  readonly answer: TSchema | 'bytes';
}

const routeTable = <T extends Record<string, Route>>(table: T): T => table;

export const routes = routeTable({
  network: { method: 'GET', path: '/v1/network', access: 'public', answer: NetworkSchema },
  status: { method: 'GET', path: '/v1/status', access: 'public', answer: StatusSchema },
  challenge: {
    method: 'POST',
    path: '/v1/register/challenge',
    access: 'public',
    body: ChallengeRequestSchema,
    answer: ChallengeSchema,
  },
  register: {
    method: 'POST',
    path: '/v1/register',
    access: 'public',
    body: RegisterRequestSchema,
    answer: AccessSchema,
  },
  /** A new token for the holder of a valid one. */
  refresh: { method: 'POST', path: '/v1/register/refresh', access: 'member', answer: AccessSchema },
  /** What the operator signed with the server's key; answers with all bans. */
  operator: {
    method: 'POST',
    path: '/v1/operator',
    access: 'public',
    body: OperatorRequestSchema,
    answer: BansSchema,
  },
  latestVersion: { method: 'GET', path: '/v1/versions/latest', access: 'public', answer: VersionSchema },
  version: { method: 'GET', path: '/v1/versions/:version', access: 'public', answer: VersionSchema },
  /** What a version was made of, and the FP32 weights it was added to while they are kept (AGG-4). */
  fold: { method: 'GET', path: '/v1/versions/:version/fold', access: 'public', answer: VersionFoldSchema },
  master: { method: 'GET', path: '/v1/versions/:version/master', access: 'public', answer: 'bytes' },
  /** Signed receipts (SCORE-5), and the submission that one is about. */
  receipt: {
    method: 'GET',
    path: '/v1/receipts/:submissionId',
    access: 'public',
    answer: SignedReceiptSchema,
  },
  receiptBlob: { method: 'GET', path: '/v1/receipts/:submissionId/blob', access: 'public', answer: 'bytes' },
  /** That the receipt is one of those whose root the epoch settled with (SCORE-5). */
  receiptProof: {
    method: 'GET',
    path: '/v1/epochs/:epoch/receipts/:submissionId/proof',
    access: 'public',
    answer: ReceiptProofSchema,
  },
  /** All receipts that an epoch has paid, page by page: together they lead to the root on the chain. */
  epochReceipts: {
    method: 'GET',
    path: '/v1/epochs/:epoch/receipts/pages/:page',
    access: 'public',
    answer: ReceiptPageSchema,
  },
  receipts: {
    method: 'GET',
    path: '/v1/miners/:address/receipts',
    access: 'public',
    answer: ReceiptListSchema,
  },
  /** Content-addressed bytes of published versions, for anyone; scorers may also read submissions. Honours Range. */
  blob: { method: 'GET', path: '/v1/blobs/:hash', access: 'open', answer: 'bytes' },
  shards: { method: 'GET', path: '/v1/data/shards', access: 'member', answer: ShardListSchema },
  /** Honours Range. */
  shard: { method: 'GET', path: '/v1/data/shards/:shard', access: 'member', answer: 'bytes' },
  /** SHA-256 of each 64 KiB block of a shard, 32 bytes each. */
  shardBlocks: { method: 'GET', path: '/v1/data/shards/:shard/blocks', access: 'member', answer: 'bytes' },
  /** The next task; 204 when there is none within `waitMs`. */
  task: { method: 'POST', path: '/v1/tasks', access: 'miner', body: TaskRequestSchema, answer: TaskSchema },
  /** The submission of a task. 202 once it is stored for good. */
  submit: {
    method: 'PUT',
    path: '/v1/tasks/:taskId/submission',
    access: 'miner',
    headers: SubmitHeadersSchema,
    body: 'bytes',
    answer: SubmissionSchema,
  },
  /** How much of it has arrived. Ends a connection that still sends it: its sender would not ask. HEAD has the fields alone. */
  upload: { method: 'GET', path: '/v1/tasks/:taskId/upload', access: 'miner', answer: UploadSchema },
  /** The rest of it. Answers as `submit` does. */
  resume: {
    method: 'PATCH',
    path: '/v1/tasks/:taskId/upload',
    access: 'miner',
    headers: ResumeHeadersSchema,
    body: 'bytes',
    answer: SubmissionSchema,
  },
  /** A regional server's task: signed receipts of its miners, a few at a time; then "these were all". */
  regionReceipts: {
    method: 'POST',
    path: '/v1/tasks/:taskId/receipts',
    access: 'miner',
    body: RegionReceiptsSchema,
    answer: HeldReceiptsSchema,
  },
  regionCommit: {
    method: 'POST',
    path: '/v1/tasks/:taskId/receipts/commit',
    access: 'miner',
    body: CommitRequestSchema,
    answer: CommitSchema,
  },
  /** A submission of one of its miners, whole, that the commitment asked for. */
  regionAudit: {
    method: 'PUT',
    path: '/v1/tasks/:taskId/audits/:submissionId',
    access: 'miner',
    body: 'bytes',
    answer: SubmissionSchema,
  },
  /** What became of the contribution, and what each of its miners is credited with. */
  regionCredits: {
    method: 'GET',
    path: '/v1/tasks/:taskId/credits',
    access: 'miner',
    answer: CreditsSchema,
  },
  submission: {
    method: 'GET',
    path: '/v1/submissions/:submissionId',
    access: 'miner',
    answer: SubmissionSchema,
  },
  job: {
    method: 'POST',
    path: '/v1/scorer/jobs',
    access: 'scorer',
    body: TaskRequestSchema,
    answer: ScoringJobSchema,
  },
  /** Rows of 2-byte little-endian tokens, `rowLength` each. */
  batch: { method: 'GET', path: '/v1/scorer/batches/:batchId', access: 'scorer', answer: 'bytes' },
  /** Extends a job's lease. */
  jobHeartbeat: {
    method: 'POST',
    path: '/v1/scorer/jobs/:jobId/heartbeat',
    access: 'scorer',
    answer: ScoringJobSchema,
  },
  jobResult: {
    method: 'POST',
    path: '/v1/scorer/jobs/:jobId/result',
    access: 'scorer',
    body: ScoringResultSchema,
    answer: ScoringJobSchema,
  },
});
export type RouteName = keyof typeof routes;

/** What the body of such a request is sent as. */
export function contentTypeOf({ method, body }: Pick<Route, 'method' | 'body'>): string {
  if (body !== 'bytes') return 'application/json';
  return method === 'PATCH' ? PARTIAL_UPLOAD : 'application/octet-stream';
}

/**
 * @file One handler per route of the protocol's table, exhaustive by type: a route without a handler is a compile
 * error. Handlers know neither Fastify nor sockets; they take a checked call and return an answer.
 */

import { type Network, PROTOCOL, type RouteName, type routes, type ShardList } from '@alice/protocol';
import type { Static, TSchema } from '@sinclair/typebox';
import type { ServerContext } from '../context.js';
import type { BanList } from '../defence/BanList.js';
import { operate } from '../defence/operate.js';
import { ServerError } from '../errors.js';
import { groupCalls } from '../groupCalls.js';
import {
  epochReceipts,
  listReceipts,
  readFold,
  readMaster,
  readReceipt,
  receiptBlob,
} from '../receipts/readReceipts.js';
import { createReceiptProofs } from '../receipts/receiptTree.js';
import type { Registration } from '../registration/Registration.js';
import { batchTokens } from '../scoring/batchTokens.js';
import { answerJob, keepJob, takeJob } from '../scoring/jobResults.js';
import type { Member } from '../state/members.js';
import { findSubmission, submissionMessage } from '../state/submissions.js';
import { findVersion, latestVersion, manifestOf } from '../state/versions.js';
import type { StatusCache } from '../status/StatusCache.js';
import { createReceiver } from '../submissions/receiveSubmission.js';
import { uploadState } from '../submissions/uploadState.js';
import { issueTasks } from '../tasks/issueTask.js';
import type { UploadBody } from '../uploads/UploadBody.js';
import { commitReceipts, holdReceipts } from '../upstream/holdReceipts.js';
import { readCredits } from '../upstream/readCredits.js';
import { receiveAudit } from '../upstream/receiveAudit.js';
import type { Waiters } from '../waiters.js';
import { createBlobAccess } from './blobAccess.js';

type Table = typeof routes;
type BodyOf<K extends RouteName> = Table[K] extends { body: infer B }
  ? B extends TSchema
    ? Static<B>
    : UploadBody
  : undefined;
type JsonOf<K extends RouteName> = Table[K]['answer'] extends TSchema ? Static<Table[K]['answer']> : never;

/** A request whose route, token and body have been checked. */
export interface Call<K extends RouteName> {
  readonly body: BodyOf<K>;
  readonly params: Readonly<Record<string, string>>;
  /** Throws `TOKEN_MISSING` where there is none: on public routes, and on open ones asked without a token. */
  readonly member: Member;
  readonly isMember: boolean;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
}

/** Bytes of an answer: a stored blob (Range is honoured) or a buffer. */
export type BytesAnswer =
  | { readonly kind: 'blob'; readonly hash: string; readonly sizeBytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly tag: string };
export type Answer<K extends RouteName> =
  | {
      readonly kind: 'json';
      readonly value: JsonOf<K>;
      readonly status?: 202;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'nothing'; readonly retryAfterMs: number }
  | (Table[K]['answer'] extends 'bytes' ? BytesAnswer : never);

export type Handlers = { readonly [K in RouteName]: (call: Call<K>) => Promise<Answer<K>> };

/** Tasks made in one transaction, at most. */
const TASKS_AT_ONCE = 128;
/** Nothing came up while waiting; ask again after a moment. */
const ASK_AGAIN_MS = 1_000;

export function createHandlers(
  context: ServerContext,
  registration: Registration,
  { status, bans }: { status: StatusCache; bans: BanList },
): Handlers {
  const { db } = context;
  const blobAccess = createBlobAccess(context);
  const proofs = createReceiptProofs(context);
  const nextTask = groupCalls((members: readonly Member[]) => issueTasks(context, members), TASKS_AT_ONCE);
  const receiveSubmission = createReceiver(context);
  const receive = async ({ body, params, member }: Call<'submit' | 'resume'>): Promise<Answer<'submit'>> => {
    const value = await receiveSubmission({ member, taskId: params['taskId']!, body });
    return { kind: 'json', value, status: 202 };
  };
  return {
    network: async () => json(await networkMessage(context)),
    status: async () => json(await status.read()),
    challenge: async ({ body }) => json(await registration.challenge(body)),
    register: async ({ body }) => json(await registration.register(body)),
    refresh: async ({ member }) => json(await registration.refresh(member)),
    operator: async ({ body }) => json(await operate(context, bans, body)),
    latestVersion: async () => json(manifestOf((await latestVersion(db))!)),
    version: async ({ params }) => {
      const row = await findVersion(db, wholeNumber('version', params['version']));
      if (!row) throw notFound('there is no such version');
      return json(manifestOf(row));
    },
    blob: async (call) => blobAccess.open(call.isMember ? call.member : undefined, call.params['hash']!),
    receipt: async ({ params }) => json(await readReceipt(context, params['submissionId']!)),
    receiptProof: async ({ params }) =>
      json(await proofs.proof(wholeNumber('epoch', params['epoch']), params['submissionId']!)),
    epochReceipts: async ({ params }) =>
      json(
        await epochReceipts(
          context,
          wholeNumber('epoch', params['epoch']),
          wholeNumber('page', params['page']),
        ),
      ),
    receipts: async ({ params }) => json(await listReceipts(context, params['address']!)),
    receiptBlob: async ({ params }) => ({
      kind: 'blob',
      ...(await receiptBlob(context, params['submissionId']!)),
    }),
    fold: async ({ params }) => json(await readFold(context, wholeNumber('version', params['version']))),
    master: async ({ params }) => {
      return { kind: 'blob', ...(await readMaster(context, wholeNumber('version', params['version']))) };
    },
    shards: async () => json(shardList(context)),
    shard: async ({ params }) => shardAnswer(context, wholeNumber('shard', params['shard'])),
    shardBlocks: async ({ params }) => shardBlocksAnswer(context, wholeNumber('shard', params['shard'])),
    task: async ({ body, member, signal }) => {
      const find = () => nextTask(member);
      return offer(await waitFor(find, { waiters: context.waiting.tasks, waitMs: body.waitMs ?? 0, signal }));
    },
    submit: receive,
    upload: async ({ params, member }) => {
      const value = await uploadState(context, { taskId: params['taskId']!, member });
      const isComplete = value.submissionId !== null;
      const headers = {
        'upload-offset': String(value.offsetBytes),
        'upload-complete': isComplete ? '?1' : '?0',
        'cache-control': 'no-store',
      };
      return { kind: 'json', value, headers };
    },
    resume: receive,
    regionReceipts: async ({ body, params, member }) =>
      json(await holdReceipts(context, bans, { member, taskId: params['taskId']!, ...body })),
    regionCommit: async ({ body, params, member }) =>
      json(await commitReceipts(context, { member, taskId: params['taskId']!, ...body })),
    regionAudit: async ({ body, params, member }) => {
      const { taskId, submissionId } = params as { taskId: string; submissionId: string };
      return json(await receiveAudit(context, { member, taskId, submissionId, body }));
    },
    regionCredits: async ({ params, member }) =>
      json(await readCredits(context, { member, taskId: params['taskId']! })),
    submission: async ({ params, member }) => {
      const row = await findSubmission(db, params['submissionId']!);
      if (!row || row.address !== member.address)
        throw new ServerError({ code: 'SUBMISSION_UNKNOWN' }, 'this address has no such submission');
      return json(submissionMessage(row));
    },
    job: async ({ body, member, signal }) => {
      const find = () => takeJob(context, member);
      return offer(await waitFor(find, { waiters: context.waiting.jobs, waitMs: body.waitMs ?? 0, signal }));
    },
    batch: async ({ params }) => {
      const batchId = params['batchId']!;
      return { kind: 'bytes', bytes: await batchTokens(context, batchId), tag: batchId };
    },
    jobHeartbeat: async ({ params, member }) => json(await keepJob(context, member, params['jobId']!)),
    jobResult: async ({ params, member, body }) =>
      json(await answerJob(context, member, { jobId: params['jobId']!, result: body })),
  };
}

async function shardAnswer({ data }: ServerContext, shard: number): Promise<BytesAnswer> {
  const { hash } = servedShard(data, shard);
  return { kind: 'bytes', bytes: await data.shardBytes(shard), tag: hash };
}

async function shardBlocksAnswer({ data }: ServerContext, shard: number): Promise<BytesAnswer> {
  const { hash } = servedShard(data, shard);
  return { kind: 'bytes', bytes: await data.shardBlocks(shard), tag: `${hash}-blocks` };
}

function servedShard(
  data: ServerContext['data'],
  shard: number,
): ServerContext['data']['trainingShards'][number] {
  if (data.isValidation(shard))
    throw new ServerError({ code: 'SHARD_PRIVATE', shard }, 'validation shards never leave the server');
  const known = data.trainingShards.find((entry) => entry.shard === shard);
  if (!known) throw new ServerError({ code: 'SHARD_UNKNOWN', shard }, `there is no training shard ${shard}`);
  return known;
}

function shardList({ data: { root, tokenizer, vocab, trainingShards } }: ServerContext): ShardList {
  return { dataRoot: root, tokenizer, vocab, shards: trainingShards.map((shard) => ({ ...shard })) };
}

async function networkMessage({ db, options, model, data, networkId, now }: ServerContext): Promise<Network> {
  const latest = (await latestVersion(db))!;
  return {
    protocol: PROTOCOL,
    networkId,
    serverId: options.serverKey.address,
    serverTimeMs: now(),
    model: { ...model },
    tokenizer: options.tokenizerId,
    dataRoot: data.root,
    latestVersion: latest.version,
    latestStateRoot: latest.state_root,
    seed: options.seed,
  };
}

function json<T>(value: T): { kind: 'json'; value: T } {
  return { kind: 'json', value };
}

function offer<T>(
  value: T | undefined,
): { kind: 'json'; value: T } | { kind: 'nothing'; retryAfterMs: number } {
  return value === undefined ? { kind: 'nothing', retryAfterMs: ASK_AGAIN_MS } : json(value);
}

/**
 * Long poll: looks, waits for news, looks again, until found or the time is over. Without news there is nothing to look for:
 * who asks again looks anyway, and thousands wait here.
 */
async function waitFor<T>(
  find: () => Promise<T | undefined>,
  { waiters, waitMs, signal }: { waiters: Waiters; waitMs: number; signal: AbortSignal },
): Promise<T | undefined> {
  const started = performance.now();
  for (;;) {
    const found = await find();
    const leftMs = waitMs - (performance.now() - started);
    if (found !== undefined || leftMs <= 0) return found;
    if (!(await waiters.wait(leftMs, signal))) return undefined;
  }
}

function wholeNumber(field: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,9}$/.test(text))
    throw new ServerError({ code: 'BAD_REQUEST', field }, `${field} must be a whole number`);
  return Number(text);
}

function notFound(message: string): ServerError {
  return new ServerError({ code: 'NOT_FOUND' }, message);
}

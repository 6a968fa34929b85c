/**
 * @file Plays miner and scorer through the routes, without sockets. Every answer is checked against the schema of its
 * route, so that a server that answers something else fails every test.
 */

import assert from 'node:assert/strict';
import {
  contentTypeOf,
  encodeAnySubmission,
  type HashHex,
  type HexString,
  headerForTask,
  type KeyPair,
  type RouteName,
  registrationMessage,
  routes,
  type ScoringJob,
  type SparseDelta,
  type Submission,
  seededRandom,
  type Task,
  type TensorLayout,
  toHex,
  type WireFormat,
  wholeTask,
} from '@alice/protocol';
import { Value } from '@sinclair/typebox/value';
import type { ServerCore } from '../ServerCore.js';

export interface TestAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers by field; `call` has checked the successful ones
  readonly body: any;
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, unknown>>;
}

const device = { kind: 'cpu' as const, name: 'test', threads: 1, memoryBytes: 1, software: 'test' };

export class TestClient {
  token = '';
  readonly #core: () => ServerCore;
  readonly key: KeyPair;
  readonly instance: string;
  readonly role: 'miner' | 'scorer';

  constructor(
    core: ServerCore | (() => ServerCore),
    key: KeyPair,
    role: 'miner' | 'scorer' = 'miner',
    instance = 'a',
  ) {
    this.#core = typeof core === 'function' ? core : () => core;
    this.key = key;
    this.role = role;
    this.instance = instance;
  }

  async call(
    name: RouteName,
    {
      params = {},
      body,
      headers = {},
    }: { params?: Record<string, string>; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<TestAnswer> {
    const route = routes[name];
    const { method, path, answer } = route;
    const isBytes = body instanceof Uint8Array;
    const response = await this.#core().app.inject({
      method,
      url: path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key]!)),
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(isBytes ? { 'content-type': contentTypeOf(route) } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: (isBytes ? Buffer.from(body) : body) as object }),
    });
    const isJson = String(response.headers['content-type']).includes('application/json');
    const parsed = isJson ? response.json() : undefined;
    if (response.statusCode < 300 && response.statusCode !== 204 && answer !== 'bytes')
      assert.ok(
        Value.Check(answer, parsed),
        `${name}: ${JSON.stringify([...Value.Errors(answer, parsed)].slice(0, 3))}`,
      );
    return {
      status: response.statusCode,
      body: parsed,
      bytes: new Uint8Array(response.rawPayload),
      headers: response.headers,
    };
  }

  async register(rewardAddress?: string): Promise<this> {
    const { address } = this.key;
    const challenge = await this.call('challenge', {
      body: { address, instance: this.instance, role: this.role, device },
    });
    assert.equal(challenge.status, 200, JSON.stringify(challenge.body));
    const answer = await this.answerChallenge(challenge.body, rewardAddress);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    this.token = answer.body.token;
    return this;
  }

  answerChallenge(
    challenge: { challenge: string; networkId: string; serverId: string },
    rewardAddress?: string,
    signer: KeyPair = this.key,
  ): Promise<TestAnswer> {
    const claim = {
      ...challenge,
      address: this.key.address,
      instance: this.instance,
      role: this.role,
      rewardAddress,
    };
    const signature = toHex(signer.sign(registrationMessage(claim)));
    return this.call('register', {
      body: { challenge: challenge.challenge, signature, ...(rewardAddress ? { rewardAddress } : {}) },
    });
  }

  async task(): Promise<Task> {
    const answer = await this.call('task', { body: {} });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  submit(task: Task, bytes: Uint8Array): Promise<TestAnswer> {
    return this.call('submit', { params: { taskId: task.taskId }, body: bytes });
  }

  /** Takes a task and answers it with a random delta; returns the stored submission. */
  async contribute(seed: string): Promise<Submission> {
    return this.answerTask(await this.task(), seed);
  }

  async answerTask(task: Task, seed: string): Promise<Submission> {
    const answer = await this.submit(task, await submissionFor(task, this.#core().context.layout, { seed }));
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body;
  }

  async submission(submissionId: string): Promise<Submission> {
    return (await this.call('submission', { params: { submissionId } })).body;
  }

  /** The next scoring job, or undefined. */
  async job(): Promise<ScoringJob | undefined> {
    const answer = await this.call('job', { body: {} });
    return answer.status === 204 ? undefined : answer.body;
  }

  /** Answers a job with losses `before` and, row by row, `before − gain`. */
  async answer(
    job: ScoringJob,
    { before, gain }: { before: number; gain: number | null },
  ): Promise<TestAnswer> {
    const batches = [job.batchId, ...(job.controlBatchId ? [job.controlBatchId] : [])];
    let rows = 0;
    for (const batchId of batches)
      rows += (await this.call('batch', { params: { batchId } })).bytes.length / 2 / job.rowLength;
    const spread = (row: number): number => before + 0.1 * Math.sin(row);
    const lossesBefore = Array.from({ length: rows }, (_, row) => spread(row));
    const lossesAfter =
      gain === null || job.kind === 'baseline'
        ? null
        : lossesBefore.map((loss, row) => loss - gain * (1 + 0.1 * Math.cos(row)));
    return this.call('jobResult', {
      params: { jobId: job.jobId },
      body: { lossesBefore, lossesAfter, elapsedMs: 1 },
    });
  }

  /** Scores everything that waits, coordinating in between, until nothing is left. Returns the jobs' kinds. */
  async scoreAll(gain: (job: ScoringJob) => number | null = () => 0.05): Promise<ScoringJob['kind'][]> {
    const kinds: ScoringJob['kind'][] = [];
    for (;;) {
      await this.#core().coordinator.step();
      const job = await this.job();
      if (!job) return kinds;
      kinds.push(job.kind);
      const answer = await this.answer(job, { before: 5 - 0.05 * job.version, gain: gain(job) });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
    }
  }
}

export interface SubmissionChanges {
  readonly seed?: string;
  readonly delta?: SparseDelta;
  readonly nonce?: HexString;
  readonly stateRoot?: HashHex;
  readonly innerSteps?: number;
  readonly tokens?: number;
  readonly format?: WireFormat;
}

/** Bytes of a well-formed submission for a task. */
export function submissionFor(
  task: Task,
  layout: TensorLayout,
  changes: SubmissionChanges = {},
): Promise<Uint8Array> {
  const honest = headerForTask(task, wholeTask(task, 5));
  const header = {
    ...honest,
    nonce: changes.nonce ?? honest.nonce,
    stateRoot: changes.stateRoot ?? honest.stateRoot,
    innerSteps: changes.innerSteps ?? honest.innerSteps,
    tokens: changes.tokens ?? honest.tokens,
  };
  const delta = changes.delta ?? randomDelta(layout, changes.seed ?? 'delta');
  const format = changes.format ?? task.settings.format ?? { wire: 'binary_v2' };
  return encodeAnySubmission(header, delta, { layout, format });
}

/** Of a submission that answers no task: for what only looks at deltas. */
export const HEADER_OF_NO_TASK = {
  taskId: `0x${'01'.repeat(16)}`,
  nonce: `0x${'02'.repeat(32)}`,
  stateRoot: `0x${'00'.repeat(32)}`,
  ...{ baseVersion: 0, innerSteps: 1, tokens: 1, meanTrainingLossNats: 1 },
} as const;

/** One random element in forty of each tensor, as an honest top-k would choose. */
export function randomDelta(layout: TensorLayout, seed: string): SparseDelta {
  const random = seededRandom(seed);
  const tensors = layout.tensors.map(({ size }, tensor) => {
    const picked = new Set<number>();
    for (let i = 0; i < Math.max(1, Math.floor(size / 40)); i++) picked.add(random.below(size));
    const indices = Uint32Array.from([...picked].sort((a, b) => a - b));
    return { tensor, indices, values: Float32Array.from(indices, () => 0.01 * random.normal()) };
  });
  return { tensors };
}

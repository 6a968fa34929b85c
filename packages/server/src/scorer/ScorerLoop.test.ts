/** @file The scorer's loop with a played server: leases are kept, lost jobs dropped, failures survived. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CodedError,
  type Offered,
  type ScoringJob,
  type ScoringResult,
  ServerCallError,
} from '@alice/protocol';
import { scoreJobs } from './ScorerLoop.js';
import type { ScorerEvent } from './scorerEvents.js';
import type { JobScores, OpenScoring } from './scoring.js';

const job = (jobId: string): ScoringJob => ({
  jobId,
  kind: 'submission',
  version: 0,
  stateRoot: '0x',
  batchId: '0x',
  rowLength: 2,
  blob: null,
  stepFraction: 0.25,
  leaseUntilMs: 60_000,
});
const scores: JobScores = { lossesBefore: [4, 6], lossesAfter: [3, 5], elapsedMs: 5 };

function refused(refusal: string, status = 409): ServerCallError {
  return new ServerCallError(
    { code: 'SERVER_REFUSED', route: 'jobResult', status, refusal, retryAfterMs: null, detail: {} },
    refusal,
  );
}

interface Script {
  readonly jobs: readonly string[];
  readonly score?: (job: ScoringJob, nth: number) => Promise<JobScores>;
  readonly post?: (jobId: string, nth: number) => void;
  readonly heartbeat?: (nth: number) => number;
}

/** Runs until the jobs are used up. Pauses end at once and move the clock. */
async function run({ jobs, score, post, heartbeat }: Script) {
  const events: ScorerEvent[] = [];
  const posted: [string, ScoringResult][] = [];
  const beats: number[] = [];
  const stop = new AbortController();
  const left = [...jobs];
  let nowMs = 0;
  let scored = 0;
  let posts = 0;
  let connects = 0;
  await scoreJobs({
    server: {
      nextJob: async (): Promise<Offered<ScoringJob>> => {
        const jobId = left.shift();
        if (jobId === undefined) stop.abort();
        return { offer: jobId === undefined ? undefined : job(jobId), retryAfterMs: 0 };
      },
      heartbeat: async (jobId) => {
        beats.push(nowMs);
        return { ...job(jobId), leaseUntilMs: heartbeat?.(beats.length) ?? nowMs + 60_000 };
      },
      postResult: async (jobId, result) => {
        post?.(jobId, ++posts);
        posted.push([jobId, result]);
        return job(jobId);
      },
    },
    scorer: {
      open: async () => {},
      score: (one) => score?.(one, ++scored) ?? Promise.resolve(scores),
      close: async () => {},
    },
    connect: async () => {
      connects++;
      return {} as OpenScoring;
    },
    emit: (event) => events.push(event),
    serverNowMs: () => nowMs,
    pause: async (ms, until) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (!until?.aborted) nowMs += ms;
    },
    random: () => 0.5,
    signal: stop.signal,
  });
  return { events, posted, beats, connects };
}

describe('scoreJobs', () => {
  it('reports the losses of each job', async () => {
    const { posted, events, connects } = await run({ jobs: ['a', 'b'] });
    assert.deepEqual(posted, [
      ['a', scores],
      ['b', scores],
    ]);
    assert.deepEqual(events[0], {
      type: 'scored',
      jobId: 'a',
      kind: 'submission',
      version: 0,
      rows: 2,
      gainNats: 1,
      elapsedMs: 5,
    });
    assert.equal(connects, 1);
  });

  it('keeps the lease while it computes, each time after a third of what is left', async () => {
    let finish = (_: JobScores): void => {};
    const { beats } = await run({
      jobs: ['a'],
      score: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
      heartbeat: (nth) => {
        if (nth === 3) finish(scores);
        return 20_000 * nth + 60_000;
      },
    });
    assert.deepEqual(beats.slice(0, 3), [20_000, 40_000, 60_000]);
  });

  it('drops the result of a job that another scorer has taken over', async () => {
    const { events, posted } = await run({
      jobs: ['a', 'b'],
      post: (_, nth) => {
        if (nth === 1) throw refused('JOB_NOT_YOURS');
      },
    });
    assert.deepEqual(
      events.map((e) => e.type),
      ['lost', 'scored'],
    );
    assert.deepEqual(
      posted.map(([id]) => id),
      ['b'],
    );
  });

  it('goes on after a failure, and opens anew after its thread has died', async () => {
    const { events, connects, posted } = await run({
      jobs: ['a', 'b', 'c'],
      score: async (_, nth) => {
        if (nth === 1) throw new CodedError({ code: 'SCORER_BLOB_CORRUPT' }, 'x');
        if (nth === 2) throw new CodedError({ code: 'THREAD_ENDED', reason: 'x' }, 'x');
        return scores;
      },
    });
    assert.deepEqual(
      events.map((e) => (e.type === 'retrying' ? e.code : e.type)),
      ['SCORER_BLOB_CORRUPT', 'THREAD_ENDED', 'scored'],
    );
    assert.deepEqual(
      posted.map(([id]) => id),
      ['c'],
    );
    assert.equal(connects, 2);
  });

  it('stops with what waiting cannot cure', async () => {
    for (const error of [
      refused('ROLE_FORBIDDEN', 403),
      new CodedError({ code: 'SCORER_VERSION_UNSIGNED' }, 'x'),
    ])
      await assert.rejects(
        run({ jobs: ['a'], score: () => Promise.reject(error) }),
        (thrown) => thrown === error,
      );
  });
});

/** @file The miner's state machine with a played server and trainer: no work is lost, none is counted twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CodedError,
  type Offered,
  ServerCallError,
  type Submission,
  silentLogger,
  type Task,
  type VersionManifest,
} from '@alice/protocol';
import fc from 'fast-check';
import { MAX_FAILURES, MAX_THREAD_DEATHS } from './afterFailure.js';
import { MinerError } from './errors.js';
import type { MinerEvent } from './events.js';
import { MinerLoop } from './MinerLoop.js';
import type { MinerServer } from './minerServer.js';
import type {
  OpenedTrainer,
  OpenTrainer,
  Outcome,
  Synced,
  SyncRequest,
  Trained,
  Trainer,
  TrainRequest,
  UnsettledWork,
} from './trainer.js';

const root = (version: number): string => `0x${version.toString(16).padStart(64, '0')}`;
const idOf = (n: number): string => `0x${n.toString(16).padStart(32, '0')}`;

function taskOf(round: number, version = 0): Task {
  const settings = {
    optimizer: 'muon',
    innerSteps: 1,
    rowsPerStep: 1,
    sequenceLength: 2,
    learningRates: [0.1],
    weightDecay: 0,
    gradientClip: 1,
    density: 1,
    errorFeedbackDecay: 1,
  } as const;
  return {
    taskId: idOf(round),
    nonce: root(99),
    round,
    version,
    stateRoot: root(version),
    objective: 'lm',
    ranges: [{ shard: 3, from: 0, count: 9 }],
    seed: 's',
    settings: { ...settings, learningRates: [0.1] },
    deadlineMs: 1e15,
    windowMs: 1000,
  };
}

function refused(refusal: string, status = 409, detail: Record<string, unknown> = {}): ServerCallError {
  return new ServerCallError(
    { code: 'SERVER_REFUSED', route: 'submit', status, refusal, retryAfterMs: null, detail },
    refusal,
  );
}

/** One scripted round: what the upload answers and how the submission is judged, in the order it is asked. */
interface Round {
  readonly version?: number;
  readonly upload?: () => void;
  readonly verdicts?: readonly (Pick<Submission, 'status' | 'code'> | 'unknown')[];
}
const accepted = { status: 'accepted', code: null } as const;
const queued = { status: 'queued', code: null } as const;
const refusedAs = (code: string) => ({ status: 'refused', code }) as const;

class FakeServer implements MinerServer {
  readonly uploads: string[] = [];
  /** Uploads of which some may have been sent before. */
  readonly askedFirst: string[] = [];
  registrations = 0;
  latest = 0;
  failNext: (() => void) | undefined;
  #next = 1;
  readonly #asked = new Map<string, number>();
  constructor(readonly rounds: readonly Round[]) {}

  async register(): Promise<void> {
    this.registrations++;
  }
  async latestVersion(): Promise<VersionManifest> {
    return this.version(this.latest);
  }
  async version(version: number): Promise<VersionManifest> {
    return { version, stateRoot: root(version) } as VersionManifest;
  }
  async nextTask(): Promise<Offered<Task>> {
    const round = this.rounds[this.#next - 1];
    if (round === undefined) return { offer: undefined, retryAfterMs: 1 };
    return { offer: taskOf(this.#next, round.version ?? 0), retryAfterMs: 0 };
  }
  async submit(
    taskId: string,
    bytes: Uint8Array,
    { mayHaveBegun = false }: { mayHaveBegun?: boolean } = {},
  ): Promise<Submission> {
    assert.equal(bytes.length, 5);
    if (mayHaveBegun) this.askedFirst.push(taskId);
    const round = Number(taskId);
    this.uploads.push(taskId);
    if (round === this.#next) this.#next++; // answered or refused, the task is over
    this.rounds[round - 1]?.upload?.();
    return this.#submission(`s${round}`, queued);
  }
  async submission(submissionId: string): Promise<Submission> {
    const verdicts = this.rounds[Number(submissionId.slice(1)) - 1]?.verdicts ?? [accepted];
    const asked = this.#asked.get(submissionId) ?? 0;
    this.#asked.set(submissionId, asked + 1);
    const verdict = verdicts[Math.min(asked, verdicts.length - 1)]!;
    if (verdict === 'unknown') throw refused('SUBMISSION_UNKNOWN', 404);
    return this.#submission(submissionId, verdict);
  }
  #submission(submissionId: string, { status, code }: Pick<Submission, 'status' | 'code'>): Submission {
    return { submissionId, status, code, reason: 'because', gainNats: 0.1, score: '7' } as Submission;
  }
}

class FakeTrainer implements Trainer {
  readonly syncs: SyncRequest[] = [];
  readonly settled: [taskId: string, outcome: Outcome][] = [];
  trainings = 0;
  saves = 0;
  failures: {
    train?: (nth: number) => Trained | undefined;
    sync?: (nth: number) => void;
    save?: (nth: number) => void;
  } = {};
  /** Plays the file: survives a `FakeTrainer` made anew with it. */
  constructor(readonly disk: UnsettledWork[] = []) {}

  async open(): Promise<OpenedTrainer> {
    return { state: this.disk.length > 0 ? 'resumed' : 'fresh', unsettled: [...this.disk] };
  }
  async sync(request: SyncRequest): Promise<Synced> {
    this.syncs.push(request);
    this.failures.sync?.(this.syncs.length);
    const { version, stateRoot } = request.manifest;
    return { version, stateRoot, how: 'snapshot', bytes: 10 };
  }
  async train({ task }: TrainRequest): Promise<Trained> {
    const nth = ++this.trainings;
    const other = this.failures.train?.(nth);
    if (other !== undefined) return other;
    const work = { taskId: task.taskId, round: task.round, sizeBytes: 5 };
    this.disk.push(work);
    return {
      kind: 'work',
      work,
      steps: 1,
      skippedSteps: 0,
      tokens: 2,
      lossNats: 3,
      microBatch: 1,
      elapsedMs: 10,
    };
  }
  async submission(): Promise<Uint8Array> {
    return new Uint8Array(5);
  }
  async settle({ taskId, outcome }: { taskId: string; outcome: Outcome }): Promise<void> {
    this.settled.push([taskId, outcome]);
    this.disk.splice(
      this.disk.findIndex((work) => work.taskId === taskId),
      1,
    );
  }
  async save(): Promise<void> {
    this.failures.save?.(++this.saves);
  }
  async close(): Promise<void> {}
}

interface Run {
  readonly server: FakeServer;
  readonly trainer: FakeTrainer;
  readonly events: MinerEvent[];
  readonly pauses: number[];
}

/** Runs the loop until `maxTasks` are delivered and judged, or nothing is left to do. */
async function run(
  rounds: readonly Round[],
  options: {
    trainer?: FakeTrainer;
    maxTasks?: number;
    onEvent?: (e: MinerEvent) => void;
    holdReason?: () => Promise<string | undefined>;
  } = {},
): Promise<Run> {
  const server = new FakeServer(rounds);
  const { trainer = new FakeTrainer(), maxTasks = rounds.length } = options;
  const events: MinerEvent[] = [];
  const pauses: number[] = [];
  const stop = new AbortController();
  const request = {
    dir: 'd',
    address: 'a',
    instance: 'i',
    threads: 1,
    networkId: root(1),
    serverId: 's',
    model: {},
  } as OpenTrainer;
  const loop = new MinerLoop(
    {
      server,
      trainer,
      shard: async () => new Uint8Array(18),
      emit: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
      nowMs: () => 0,
      holdReason: options.holdReason ?? (async () => undefined),
      pause: async (ms) => {
        pauses.push(ms);
        if (pauses.length > 200) stop.abort(); // a loop that only waits has nothing left to do
      },
      random: () => 0.5,
      signal: stop.signal,
      prepare: async () => request,
      debug: silentLogger.debug,
    },
    maxTasks,
  );
  await loop.run();
  return { server, trainer, events, pauses };
}

const types = ({ events }: Run): string[] => events.map(({ type }) => type);
const only = <T extends MinerEvent['type']>({ events }: Run, type: T) =>
  events.filter((e): e is Extract<MinerEvent, { type: T }> => e.type === type);

describe('a round', () => {
  it('goes from registration to a verdict', async () => {
    const done = await run([{ verdicts: [queued, queued, accepted] }]);
    assert.deepEqual(types(done), [
      'registered',
      'opened',
      'synced',
      'task',
      'trained',
      'submitted',
      'accepted',
    ]);
    const [trained] = only(done, 'trained');
    assert.equal(trained!.tokensPerSec, 200);
    assert.deepEqual(only(done, 'accepted')[0], {
      type: 'accepted',
      taskId: idOf(1),
      submissionId: 's1',
      score: '7',
      gainNats: 0.1,
    });
    assert.deepEqual(done.trainer.settled, [], 'work stays on the books while its round may be rolled back');
  });

  it('takes accepted work off the books once a later round has begun', async () => {
    const done = await run([{}, {}, {}]);
    assert.deepEqual(done.trainer.settled, [
      [idOf(1), 'applied'],
      [idOf(2), 'applied'],
    ]);
    assert.equal(only(done, 'accepted').length, 3, 'each is told once');
  });

  it('syncs to the version of the task when it has moved on', async () => {
    const done = await run([{}, { version: 1 }]);
    assert.deepEqual(
      done.trainer.syncs.map(({ manifest }) => manifest.version),
      [0, 1],
    );
  });
});

describe('what was sent and not applied', () => {
  for (const code of ['NOT_HELPFUL', 'NOISE', 'COPY', 'STALE_VERSION'])
    it(`is given back when refused as ${code}`, async () => {
      const done = await run([{ verdicts: [queued, refusedAs(code)] }]);
      assert.deepEqual(done.trainer.settled, [[idOf(1), 'returned']]);
      assert.deepEqual(
        only(done, 'refused').map((e) => [e.code, e.submissionId, e.reason]),
        [[code, 's1', 'because']],
      );
    });

  it('is not given back when it made the loss infinite: it would do so again', async () => {
    const done = await run([{ verdicts: [refusedAs('NOT_FINITE')] }]);
    assert.deepEqual(done.trainer.settled, [[idOf(1), 'lost']]);
  });

  it('is given back when its round is rolled back after it was accepted', async () => {
    const done = await run([{ verdicts: [accepted, refusedAs('ROUND_ROLLED_BACK')] }, {}]);
    assert.deepEqual(done.trainer.settled, [[idOf(1), 'returned']]);
    assert.deepEqual(types(done).slice(5), [
      'submitted',
      'accepted',
      'refused',
      'task',
      'trained',
      'submitted',
      'accepted',
    ]);
  });

  it('is given back when the task expired before the upload, and the next task is taken', async () => {
    const expired = () => {
      throw refused('TASK_EXPIRED', 410);
    };
    const done = await run([{ upload: expired }, {}], { maxTasks: 1 });
    assert.deepEqual(done.trainer.settled, [[idOf(1), 'returned']]);
    assert.deepEqual(done.server.uploads, [idOf(1), idOf(2)]);
    assert.deepEqual(
      only(done, 'refused').map((e) => [e.code, e.submissionId]),
      [['TASK_EXPIRED', null]],
    );
  });

  it('is given back when the server has forgotten it', async () => {
    const done = await run([{ verdicts: ['unknown'] }]);
    assert.deepEqual(done.trainer.settled, [[idOf(1), 'returned']]);
  });
});

describe('a lost answer', () => {
  it('is made good by the refusal of the second upload: NONCE_USED for identical bytes means received', async () => {
    const upload = () => {
      throw refused('NONCE_USED', 409, { submissionId: 's1', identical: true });
    };
    const done = await run([{ upload }]);
    assert.deepEqual(
      only(done, 'submitted').map((e) => e.submissionId),
      ['s1'],
    );
    assert.equal(only(done, 'accepted').length, 1);
    assert.deepEqual(done.trainer.settled, []);
  });

  it('NONCE_USED for other bytes is a refusal', async () => {
    const upload = () => {
      throw refused('NONCE_USED', 409, { submissionId: 's1', identical: false });
    };
    const done = await run([{ upload }, {}], { maxTasks: 1 });
    assert.deepEqual(done.trainer.settled, [[idOf(1), 'returned']]);
  });
});

describe('a restart', () => {
  it('delivers saved work before it asks for more', async () => {
    const trainer = new FakeTrainer([{ taskId: idOf(1), round: 1, sizeBytes: 5 }]);
    const done = await run([{}, {}], { trainer });
    assert.deepEqual(types(done).slice(0, 5), ['registered', 'opened', 'submitted', 'synced', 'accepted']);
    assert.deepEqual(done.server.uploads, [idOf(1), idOf(2)]);
    assert.deepEqual(done.server.askedFirst, [idOf(1)], 'another process may have sent some of it');
    assert.equal(done.trainer.trainings, 1);
  });

  it('of the computing thread alone goes on with the same task', async () => {
    const trainer = new FakeTrainer();
    trainer.failures.train = (nth) => {
      if (nth === 1) throw new CodedError({ code: 'THREAD_ENDED', reason: 'killed' }, 'killed');
      return undefined;
    };
    const done = await run([{}], { trainer });
    assert.equal(done.server.registrations, 2);
    assert.deepEqual(done.server.uploads, [idOf(1)]);
    assert.deepEqual(
      only(done, 'dropped').map((e) => e.code),
      ['THREAD_ENDED'],
    );
  });
});

describe('failures', () => {
  it('a wrong state root leads to the snapshot', async () => {
    const trainer = new FakeTrainer();
    trainer.failures.sync = (nth) => {
      if (nth === 1) throw new CodedError({ code: 'REPLICA_ROOT_MISMATCH' }, 'wrong');
    };
    const done = await run([{}], { trainer });
    assert.deepEqual(
      done.trainer.syncs.map((s) => s.fromSnapshot),
      [false, true],
    );
    assert.equal(only(done, 'accepted').length, 1);
  });

  it('STATE_ROOT_WRONG for an upload leads to the snapshot as well', async () => {
    const upload = () => {
      throw refused('STATE_ROOT_WRONG');
    };
    const done = await run([{ upload }, {}], { maxTasks: 1 });
    assert.deepEqual(
      done.trainer.syncs.map((s) => s.fromSnapshot),
      [false, true],
    );
  });

  it('steps that give NaN send nothing, and the weights are fetched again', async () => {
    const trainer = new FakeTrainer();
    trainer.failures.train = (nth) =>
      nth === 1 ? { kind: 'nothing', code: 'NOT_FINITE', reason: 'nan' } : undefined;
    const done = await run([{}], { trainer });
    assert.deepEqual(
      only(done, 'dropped').map((e) => e.code),
      ['NOT_FINITE'],
    );
    assert.deepEqual(
      done.trainer.syncs.map((s) => s.fromSnapshot),
      [false, true],
    );
    assert.deepEqual(done.server.uploads, [idOf(1)], 'only the second, finite attempt was sent');
    assert.equal(done.pauses.length > 0, true, 'the same task again is not tried without a pause');
  });

  for (const [name, error] of [
    [
      'another network',
      new ServerCallError(
        {
          code: 'SERVER_IDENTITY_CHANGED',
          expected: { networkId: 'a', serverId: 'b' },
          actual: { networkId: 'c', serverId: 'b' },
        },
        'x',
      ),
    ],
    [
      'a version signed by someone else',
      new MinerError({ code: 'VERSION_SIGNATURE_INVALID', version: 1 }, 'x'),
    ],
    ['a disk that takes no writes', new MinerError({ code: 'STATE_NOT_SAVED', path: 'p' }, 'x')],
    ['a refused key', refused('SIGNATURE_INVALID', 401)],
  ] as const)
    it(`${name} ends the miner with that error`, async () => {
      const trainer = new FakeTrainer();
      trainer.failures.sync = () => {
        throw error;
      };
      await assert.rejects(run([{}], { trainer }), (thrown) => thrown === error);
      assert.equal(trainer.syncs.length, 1);
    });

  it('a computing thread that cannot live ends the miner soon', async () => {
    const trainer = new FakeTrainer();
    trainer.failures.sync = () => {
      throw new CodedError(
        { code: 'THREAD_ENDED', reason: 'no runtime' },
        'the worker thread ended: no runtime',
      );
    };
    await assert.rejects(run([{}], { trainer }), /no runtime/);
    assert.equal(trainer.syncs.length, MAX_THREAD_DEATHS);
  });

  it('a full disk is waited for as long as it takes, without training for nothing meanwhile', async () => {
    const trainer = new FakeTrainer();
    const full = () => {
      throw new MinerError({ code: 'DISK_FULL', path: 'p' }, 'no space is left for p');
    };
    const freedAfter = 2 * MAX_FAILURES;
    trainer.failures.train = (nth) => (nth === 1 ? full() : undefined);
    trainer.failures.save = (nth) => (nth <= freedAfter ? full() : undefined);
    const done = await run([{}], { trainer });
    assert.equal(trainer.trainings, 2, 'once before, once after there was room');
    assert.ok(trainer.saves > freedAfter);
    assert.deepEqual(done.server.uploads, [idOf(1)]);
    assert.ok(done.events.some((event) => event.type === 'retrying' && event.code === 'DISK_FULL'));
  });

  it('takes no task while something speaks against it, and says so once', async () => {
    let looks = 0;
    const holdReason = async () => (++looks <= 3 ? 'on battery' : undefined);
    const done = await run([{}], { holdReason });
    assert.deepEqual(
      done.events.filter(({ type }) => type === 'holding'),
      [{ type: 'holding', reason: 'on battery' }],
    );
    assert.deepEqual(done.server.uploads, [idOf(1)]);
    assert.ok(types(done).indexOf('holding') < types(done).indexOf('task'));
  });

  it('a submission that could not be judged is sent again, not trained again', async () => {
    let nth = 0;
    const upload = () => {
      if (++nth === 1) throw refused('TOKEN_INVALID', 401);
    };
    const done = await run([{ upload }]);
    assert.deepEqual(done.server.uploads, [idOf(1), idOf(1)]);
    assert.equal(done.trainer.trainings, 1);
    assert.deepEqual(done.trainer.settled, []);
  });

  it('a fault that never goes away is thrown in the end, after growing pauses', async () => {
    const trainer = new FakeTrainer();
    const retries: number[] = [];
    trainer.failures.sync = () => {
      throw new TypeError('a fault of the program');
    };
    const running = run([{}], {
      trainer,
      onEvent: (event) => event.type === 'retrying' && retries.push(event.inMs),
    });
    await assert.rejects(running, /a fault of the program/);
    assert.equal(trainer.syncs.length, MAX_FAILURES);
    assert.deepEqual(retries.slice(0, 4), [375, 750, 1500, 3000]);
  });
});

describe('any course of events', () => {
  const verdict = fc.constantFrom(
    queued,
    accepted,
    refusedAs('NOT_HELPFUL'),
    refusedAs('NOT_FINITE'),
    refusedAs('ROUND_ROLLED_BACK'),
  );
  const uploads = ['ok', 'lost', 'expired', 'wrong'] as const;
  const round = fc.record({
    upload: fc.constantFrom(...uploads),
    verdicts: fc.array(verdict, { minLength: 1, maxLength: 4 }),
  });

  it('settles each piece of work at most once, and gives back what was refused and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 6 }), async (script) => {
        const rounds: Round[] = script.map(({ upload, verdicts }, i) => ({
          verdicts,
          upload: () => {
            if (upload === 'lost')
              throw refused('NONCE_USED', 409, { submissionId: `s${i + 1}`, identical: true });
            if (upload === 'expired') throw refused('TASK_EXPIRED', 410);
            if (upload === 'wrong') throw refused('NONCE_WRONG', 400);
          },
        }));
        const done = await run(rounds);
        const outcome = new Map(done.trainer.settled);
        assert.equal(outcome.size, done.trainer.settled.length, 'settled twice');
        script.forEach(({ upload, verdicts }, i) => {
          const what = outcome.get(idOf(i + 1));
          const refusedUpload = upload === 'expired' || upload === 'wrong';
          const codes = verdicts.map((v) => v.code);
          if (refusedUpload) assert.equal(what, 'returned', `${i}`);
          else if (what === 'returned')
            assert(codes.includes('NOT_HELPFUL') || codes.includes('ROUND_ROLLED_BACK'), `${i}`);
          else if (what === 'lost') assert(codes.includes('NOT_FINITE'), `${i}`);
          else if (what === 'applied') assert(codes.includes(null), `${i}`);
        });
        const left = done.trainer.disk.map(({ taskId }) => taskId);
        assert.deepEqual(
          [...left, ...outcome.keys()].sort(),
          done.server.uploads.slice().sort(),
          'work vanished',
        );
      }),
      { numRuns: 150 },
    );
  });
});

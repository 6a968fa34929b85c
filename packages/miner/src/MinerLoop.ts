/**
 * @file The miner as a state machine: connect → deliver what is left over → sync → ask → train → deliver → ask … It
 * decides; computing, downloading and waiting are behind ports. Every state may be entered again after a failure, and
 * each failure leads to a state from which nothing is lost.
 */
import {
  errorCodeOf,
  type LogFacts,
  messageOf,
  refusalOf,
  type Submission,
  type Task,
  type VersionManifest,
} from '@alice/protocol';
import { afterFailure, failurePause, isFatal } from './afterFailure.js';
import { MinerError } from './errors.js';
import type { MinerEvent } from './events.js';
import { judgeDelivery, judgeVerdict } from './judgeSubmission.js';
import type { MinerServer } from './minerServer.js';
import type { OpenTrainer, Outcome, Trained, Trainer, UnsettledWork } from './trainer.js';

export type MinerState =
  | { readonly at: 'connect' }
  | { readonly at: 'deliver' }
  | { readonly at: 'sync'; readonly fromSnapshot: boolean }
  | { readonly at: 'ask' }
  | { readonly at: 'train'; readonly task: Task; readonly receivedAtMs: number }
  | { readonly at: 'done' };

export interface MinerLoopPorts {
  readonly server: MinerServer;
  readonly trainer: Trainer;
  /** Bytes of a shard. */
  shard(shard: number): Promise<Uint8Array>;
  emit(event: MinerEvent): void;
  /** Monotonic milliseconds. */
  nowMs(): number;
  pause(ms: number): Promise<void>;
  random(): number;
  readonly signal: AbortSignal;
  /** Which folder, address and device; checks that the folder is this network's. */
  prepare(): Promise<OpenTrainer>;
  debug(message: string, facts: LogFacts): void;
}

interface OpenWork extends UnsettledWork {
  /** Known once the server has acknowledged it. */
  readonly submissionId?: string;
  readonly accepted?: true;
}

/** How long the server may hold a request for a task; shorter while verdicts are awaited. */
const WAIT_MS = 20_000;
const WAIT_FOR_VERDICT_MS = 1_000;

export class MinerLoop {
  readonly #ports: MinerLoopPorts;
  readonly #maxTasks: number;
  #open: OpenWork[] = [];
  #replica: { readonly version: number; readonly stateRoot: string } | undefined;
  /** The task given up last: the server offers it again until its deadline. */
  #droppedTask: string | undefined;
  #delivered = 0;
  #failures = 0;

  constructor(ports: MinerLoopPorts, maxTasks = Number.POSITIVE_INFINITY) {
    this.#ports = ports;
    this.#maxTasks = maxTasks;
  }

  /** Runs until done or stopped. Throws only what waiting cannot cure. */
  async run(): Promise<void> {
    let state: MinerState = { at: 'connect' };
    while (state.at !== 'done' && !this.#ports.signal.aborted) state = await this.#guarded(state);
  }

  /** One transition; a failure becomes a pause and the state to go on from. */
  async #guarded(state: MinerState): Promise<MinerState> {
    try {
      return await this.#transition(state);
    } catch (error) {
      if (this.#ports.signal.aborted) return { at: 'done' };
      const code = refusalOf(error) ?? errorCodeOf(error) ?? 'UNEXPECTED';
      if (isFatal(error, ++this.#failures)) throw error;
      if (state.at === 'train') this.#drop(state.task.taskId, code, messageOf(error));
      this.#ports.debug('Recovering', { state: state.at, code, message: messageOf(error) });
      await this.#retryLater(code);
      return afterFailure(error);
    }
  }

  #transition(state: Exclude<MinerState, { at: 'done' }> | MinerState): Promise<MinerState> {
    switch (state.at) {
      case 'connect':
        return this.#connect();
      case 'deliver':
        return this.#deliver();
      case 'sync':
        return this.#sync(state.fromSnapshot);
      case 'ask':
        return this.#ask();
      case 'train':
        return this.#train(state.task, state.receivedAtMs);
      case 'done':
        return Promise.resolve(state);
    }
  }

  async #connect(): Promise<MinerState> {
    const { server, trainer, emit } = this.#ports;
    const request = await this.#ports.prepare();
    await server.register();
    const { networkId, serverId, address, instance } = request;
    emit({ type: 'registered', networkId, serverId, address, instance });
    const { state, unsettled } = await trainer.open(request);
    emit({ type: 'opened', state, unsettled: unsettled.length });
    const known = new Map(this.#open.map((work) => [work.taskId, work]));
    this.#open = unsettled.map((work) => known.get(work.taskId) ?? work);
    this.#replica = undefined;
    return { at: 'deliver' };
  }

  /** Sends everything saved that the server has not acknowledged; repeating is harmless (SPEC TASK-1). */
  async #deliver(): Promise<MinerState> {
    let resync = false;
    for (const work of this.#open.filter(({ submissionId }) => submissionId === undefined)) {
      const bytes = await this.#ports.trainer.submission(work.taskId);
      try {
        this.#acknowledged(work, (await this.#ports.server.submit(work.taskId, bytes)).submissionId);
      } catch (error) {
        const verdict = judgeDelivery(error);
        if (verdict.kind === 'received') this.#acknowledged(work, verdict.submissionId);
        else {
          resync ||= verdict.code === 'STATE_ROOT_WRONG';
          await this.#settle(work, 'returned');
          this.#ports.emit({
            type: 'refused',
            taskId: work.taskId,
            submissionId: null,
            code: verdict.code,
            reason: messageOf(error),
            score: '0',
          });
        }
      }
    }
    return this.#replica === undefined || resync ? { at: 'sync', fromSnapshot: resync } : { at: 'ask' };
  }

  #acknowledged(work: OpenWork, submissionId: string): void {
    this.#replace(work, { ...work, submissionId });
    this.#delivered++;
    this.#failures = 0;
    this.#ports.emit({ type: 'submitted', taskId: work.taskId, submissionId, bytes: work.sizeBytes });
  }

  async #sync(fromSnapshot: boolean): Promise<MinerState> {
    await this.#syncTo(await this.#ports.server.latestVersion(), fromSnapshot);
    return { at: 'ask' };
  }

  async #syncTo(manifest: VersionManifest, fromSnapshot: boolean): Promise<void> {
    const synced = await this.#ports.trainer.sync({ manifest, fromSnapshot });
    this.#replica = synced;
    this.#ports.emit({ type: 'synced', version: synced.version, how: synced.how, bytes: synced.bytes });
  }

  async #ask(): Promise<MinerState> {
    await this.#followVerdicts();
    const waiting = this.#open.some(({ accepted }) => !accepted);
    if (this.#delivered >= this.#maxTasks) {
      if (!waiting) return { at: 'done' };
      await this.#ports.pause(WAIT_FOR_VERDICT_MS);
      return { at: 'ask' };
    }
    const { offer, retryAfterMs } = await this.#ports.server.nextTask(
      waiting ? WAIT_FOR_VERDICT_MS : WAIT_MS,
    );
    if (offer === undefined) {
      if (retryAfterMs > 0) await this.#ports.pause(Math.min(retryAfterMs, WAIT_MS));
      return { at: 'ask' };
    }
    if (offer.taskId === this.#droppedTask) {
      await this.#retryLater('TASK_DROPPED');
      this.#droppedTask = undefined; // and then it is tried once more
      return { at: 'ask' };
    }
    await this.#closeRoundsBefore(offer.round);
    return { at: 'train', task: offer, receivedAtMs: this.#ports.nowMs() };
  }

  async #train(task: Task, receivedAtMs: number): Promise<MinerState> {
    const { emit, nowMs, trainer } = this.#ports;
    const { taskId, round, version, stateRoot, shard, count } = task;
    emit({ type: 'task', taskId, round, version, shard, tokens: count });
    if (this.#replica?.version !== version || this.#replica.stateRoot !== stateRoot)
      await this.#syncForTask(task);
    const bytes = await this.#ports.shard(shard);
    const trained = await trainer.train({
      task,
      shard: bytes,
      windowMs: task.windowMs - (nowMs() - receivedAtMs),
    });
    if (trained.kind === 'nothing') return this.#nothingDone(task, trained);
    const { kind: _, work, elapsedMs, ...report } = trained;
    emit({
      type: 'trained',
      taskId,
      ...report,
      elapsedMs,
      tokensPerSec: (1000 * trained.tokens) / Math.max(elapsedMs, 1),
    });
    this.#open.push(work);
    this.#failures = 0;
    return { at: 'deliver' };
  }

  async #syncForTask({ version, stateRoot: expected }: Task): Promise<void> {
    await this.#syncTo(await this.#ports.server.version(version), false);
    const actual = this.#replica?.stateRoot ?? '';
    if (actual !== expected)
      throw new MinerError(
        { code: 'TASK_VERSION_WRONG', version, expected, actual },
        `the task starts from root ${expected}, version ${version} is published with root ${actual}: asking for another`,
      );
  }

  async #nothingDone(
    task: Task,
    { code, reason }: Extract<Trained, { kind: 'nothing' }>,
  ): Promise<MinerState> {
    if (code === 'STOPPED') return { at: 'done' };
    this.#drop(task.taskId, code, reason);
    // Weights that give NaN may be a damaged copy; the snapshot is the one way to be sure.
    return code === 'NOT_FINITE' ? { at: 'sync', fromSnapshot: true } : { at: 'ask' };
  }

  #drop(taskId: string, code: string, reason: string): void {
    this.#droppedTask = taskId;
    this.#ports.emit({ type: 'dropped', taskId, code, reason });
  }

  /** Asks what became of each acknowledged submission and acts on what is new. */
  async #followVerdicts(): Promise<void> {
    for (const work of this.#open) {
      if (work.submissionId === undefined || work.accepted) continue;
      await this.#follow(work, work.submissionId);
    }
  }

  /**
   * A round that is over cannot be rolled back any more, so work accepted in it is final; work that was accepted and
   * then rolled back with its round is seen here.
   */
  async #closeRoundsBefore(round: number): Promise<void> {
    for (const work of this.#open) {
      if (work.submissionId === undefined || work.round >= round) continue;
      const standing = await this.#follow(work, work.submissionId);
      if (standing === 'accepted') await this.#settle(work, 'applied');
    }
  }

  /** Tells what is new about a submission; a refusal takes its work off the books. */
  async #follow(work: OpenWork, submissionId: string): Promise<Submission['status']> {
    const { emit } = this.#ports;
    const { taskId } = work;
    let submission: Submission;
    try {
      submission = await this.#ports.server.submission(submissionId);
    } catch (error) {
      if (refusalOf(error) !== 'SUBMISSION_UNKNOWN' && refusalOf(error) !== 'NOT_FOUND') throw error;
      await this.#settle(work, 'returned'); // the server knows nothing of it, so nobody will apply it
      emit({
        type: 'refused',
        taskId,
        submissionId,
        code: 'SUBMISSION_UNKNOWN',
        reason: messageOf(error),
        score: '0',
      });
      return 'refused';
    }
    const { score, gainNats, reason } = submission;
    const verdict = judgeVerdict(submission);
    if (verdict.kind === 'queued') return 'queued';
    if (verdict.kind === 'accepted') {
      if (!work.accepted) emit({ type: 'accepted', taskId, submissionId, score, gainNats });
      this.#replace(work, { ...work, accepted: true });
      return 'accepted';
    }
    await this.#settle(work, verdict.outcome);
    emit({ type: 'refused', taskId, submissionId, code: verdict.code, reason, score });
    return 'refused';
  }

  async #settle(work: OpenWork, outcome: Outcome): Promise<void> {
    await this.#ports.trainer.settle({ taskId: work.taskId, outcome });
    this.#open = this.#open.filter(({ taskId }) => taskId !== work.taskId);
  }

  #replace(work: OpenWork, by: OpenWork): void {
    this.#open = this.#open.map((other) => (other.taskId === work.taskId ? by : other));
  }

  async #retryLater(code: string): Promise<void> {
    const inMs = failurePause(Math.max(this.#failures, 1), this.#ports.random);
    this.#ports.emit({ type: 'retrying', code, inMs });
    await this.#ports.pause(inMs);
  }
}

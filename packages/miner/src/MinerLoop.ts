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
  type Task,
  type VersionManifest,
} from '@alice/protocol';
import { afterFailure, failurePause, isFatal } from './afterFailure.js';
import { MinerError } from './errors.js';
import type { MinerEvent } from './events.js';
import type { MinerServer } from './minerServer.js';
import { SubmissionBook } from './SubmissionBook.js';
import type { OpenTrainer, Trained, Trainer } from './trainer.js';

export type MinerState =
  | { readonly at: 'connect' }
  | { readonly at: 'deliver' }
  | { readonly at: 'sync'; readonly fromSnapshot: boolean }
  | { readonly at: 'save' }
  | { readonly at: 'ask' }
  | { readonly at: 'train'; readonly task: Task; readonly receivedAtMs: number }
  | { readonly at: 'done' };

export interface MinerLoopPorts {
  readonly server: MinerServer;
  readonly trainer: Trainer;
  /** Bytes of a shard; outside the spans they may be zeros. */
  shard(shard: number, spans: readonly { from: number; count: number }[]): Promise<Uint8Array>;
  emit(event: MinerEvent): void;
  /** Milliseconds that go on while the computer sleeps. */
  nowMs(): number;
  /** Why no new task should be taken now; undefined when nothing speaks against it. */
  holdReason(): Promise<string | undefined>;
  pause(ms: number): Promise<void>;
  random(): number;
  readonly signal: AbortSignal;
  /** Which folder, address and device; checks that the folder is this network's. */
  prepare(): Promise<OpenTrainer>;
  debug(message: string, facts: LogFacts): void;
}

/** How long the server may hold a request for a task; shorter while verdicts are awaited. */
const WAIT_MS = 20_000;
const WAIT_FOR_VERDICT_MS = 1_000;
/** Between two looks whether work is wanted again. */
const HOLD_MS = 15_000;

export class MinerLoop {
  readonly #ports: MinerLoopPorts;
  readonly #maxTasks: number;
  readonly #book: SubmissionBook;
  #replica: { readonly version: number; readonly stateRoot: string } | undefined;
  /** The task given up last: the server offers it again until its deadline. */
  #droppedTask: string | undefined;
  #holding: string | undefined;
  #delivered = 0;
  #failures = 0;

  constructor(ports: MinerLoopPorts, maxTasks = Number.POSITIVE_INFINITY) {
    this.#ports = ports;
    this.#maxTasks = maxTasks;
    this.#book = new SubmissionBook(ports);
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
      await this.#retryLater(code, messageOf(error));
      return afterFailure(error);
    }
  }

  #transition(state: MinerState): Promise<MinerState> {
    switch (state.at) {
      case 'connect':
        return this.#connect();
      case 'deliver':
        return this.#deliver();
      case 'sync':
        return this.#sync(state.fromSnapshot);
      case 'save':
        return this.#save();
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
    this.#book.load(unsettled);
    this.#replica = undefined;
    return { at: 'deliver' };
  }

  async #deliver(): Promise<MinerState> {
    const { delivered, wrongStateRoot } = await this.#book.deliver();
    this.#delivered += delivered;
    if (delivered > 0) this.#failures = 0;
    return this.#replica === undefined || wrongStateRoot
      ? { at: 'sync', fromSnapshot: wrongStateRoot }
      : { at: 'ask' };
  }

  async #sync(fromSnapshot: boolean): Promise<MinerState> {
    await this.#syncTo(await this.#ports.server.latestVersion(), fromSnapshot);
    return { at: 'deliver' };
  }

  async #syncTo(manifest: VersionManifest, fromSnapshot: boolean): Promise<void> {
    const synced = await this.#ports.trainer.sync({ manifest, fromSnapshot });
    this.#replica = synced;
    this.#ports.emit({ type: 'synced', version: synced.version, how: synced.how, bytes: synced.bytes });
  }

  /** After a full disk: goes on once what is in memory could be written. */
  async #save(): Promise<MinerState> {
    await this.#ports.trainer.save();
    return { at: 'sync', fromSnapshot: false };
  }

  async #ask(): Promise<MinerState> {
    if (await this.#isHeld()) return { at: 'ask' };
    await this.#book.follow();
    const waiting = this.#book.isWaiting;
    if (this.#delivered >= this.#maxTasks) {
      if (!waiting) return { at: 'done' };
      await this.#ports.pause(WAIT_FOR_VERDICT_MS);
      return { at: 'ask' };
    }
    const { offer, retryAfterMs } = await this.#ports.server.nextTask(
      waiting ? WAIT_FOR_VERDICT_MS : WAIT_MS,
    );
    if (offer === undefined) {
      await this.#ports.trainer.save(); // verdicts since the last task; a good moment, nothing else is to do
      if (retryAfterMs > 0) await this.#ports.pause(Math.min(retryAfterMs, WAIT_MS));
      return { at: 'ask' };
    }
    if (offer.taskId === this.#droppedTask) {
      await this.#retryLater('TASK_DROPPED', 'the task given up before is offered again');
      this.#droppedTask = undefined; // and then it is tried once more
      return { at: 'ask' };
    }
    await this.#book.closeRoundsBefore(offer.round);
    return { at: 'train', task: offer, receivedAtMs: this.#ports.nowMs() };
  }

  async #train(task: Task, receivedAtMs: number): Promise<MinerState> {
    const { emit, nowMs, trainer } = this.#ports;
    const { taskId, round, version, stateRoot, ranges } = task;
    const wanted = [...new Set(ranges.map(({ shard }) => shard))];
    emit({
      type: 'task',
      taskId,
      round,
      version,
      shards: wanted.length,
      tokens: ranges.reduce((sum, { count }) => sum + count - 1, 0),
    });
    if (this.#replica?.version !== version || this.#replica.stateRoot !== stateRoot)
      await this.#syncForTask(task);
    const shards = new Map<number, Uint8Array>();
    for (const shard of wanted) {
      const spans = ranges.filter((range) => range.shard === shard);
      shards.set(shard, await this.#ports.shard(shard, spans));
    }
    const trained = await trainer.train({
      task,
      shards,
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
    this.#book.add(work);
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

  /** Waits a while when no work is wanted now: the person's schedule, the battery. */
  async #isHeld(): Promise<boolean> {
    const reason = await this.#ports.holdReason();
    if (reason === undefined) {
      this.#holding = undefined;
      return false;
    }
    if (reason !== this.#holding) this.#ports.emit({ type: 'holding', reason });
    this.#holding = reason;
    await this.#ports.pause(HOLD_MS);
    return true;
  }

  #drop(taskId: string, code: string, reason: string): void {
    this.#droppedTask = taskId;
    this.#ports.emit({ type: 'dropped', taskId, code, reason });
  }

  async #retryLater(code: string, reason: string): Promise<void> {
    const inMs = failurePause(Math.max(this.#failures, 1), this.#ports.random);
    this.#ports.emit({ type: 'retrying', code, reason, inMs });
    await this.#ports.pause(inMs);
  }
}

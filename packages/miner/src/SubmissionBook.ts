/**
 * @file The submissions of a miner that have no final verdict: sends them, follows what becomes of them, and settles
 * each once with the trainer. Work leaves the book only as applied, returned to the residual, or lost for good.
 */
import { messageOf, refusalOf, type Submission } from '@alice/protocol';
import type { MinerEvent } from './events.js';
import { judgeDelivery, judgeVerdict } from './judgeSubmission.js';
import type { MinerServer } from './minerServer.js';
import type { Outcome, Trainer, UnsettledWork } from './trainer.js';

export interface SubmissionBookPorts {
  readonly server: Pick<MinerServer, 'submit' | 'submission'>;
  readonly trainer: Pick<Trainer, 'submission' | 'settle'>;
  emit(event: MinerEvent): void;
}

interface OpenSubmission extends UnsettledWork {
  /** Known once the server has acknowledged it. */
  readonly submissionId?: string;
  readonly accepted?: true;
}

export interface Delivery {
  /** Submissions the server has taken. */
  readonly delivered: number;
  /** One was refused because our copy of the model is not the published one. */
  readonly wrongStateRoot: boolean;
}

export class SubmissionBook {
  readonly #ports: SubmissionBookPorts;
  #open: readonly OpenSubmission[] = [];
  /** Tasks whose submission may have been sent in part. */
  readonly #begun = new Set<string>();

  constructor(ports: SubmissionBookPorts) {
    this.#ports = ports;
  }

  /** Takes over what the trainer has on disk; what is known about it already is kept. */
  load(unsettled: readonly UnsettledWork[]): void {
    const known = new Map(this.#open.map((work) => [work.taskId, work]));
    this.#open = unsettled.map((work) => known.get(work.taskId) ?? work);
    for (const { taskId } of unsettled) if (!known.has(taskId)) this.#begun.add(taskId);
  }

  add(work: UnsettledWork): void {
    this.#open = [...this.#open, work];
  }

  /** True while a verdict is awaited. */
  get isWaiting(): boolean {
    return this.#open.some(({ accepted }) => !accepted);
  }

  /** Sends everything the server has not acknowledged; repeating is harmless (SPEC TASK-1). */
  async deliver(): Promise<Delivery> {
    let delivered = 0;
    let wrongStateRoot = false;
    for (const work of this.#open.filter(({ submissionId }) => submissionId === undefined)) {
      const refusal = await this.#send(work);
      if (refusal === undefined) delivered++;
      wrongStateRoot ||= refusal === 'STATE_ROOT_WRONG';
    }
    return { delivered, wrongStateRoot };
  }

  /** Asks what became of each submission whose verdict is awaited. */
  async follow(): Promise<void> {
    for (const work of this.#open)
      if (work.submissionId !== undefined && !work.accepted) await this.#ask(work, work.submissionId);
  }

  /**
   * A round that is over cannot be rolled back any more, so work accepted in it is final; work that was accepted and
   * then rolled back with its round is seen here.
   */
  async closeRoundsBefore(round: number): Promise<void> {
    for (const work of this.#open) {
      if (work.submissionId === undefined || work.round >= round) continue;
      const standing = await this.#ask(work, work.submissionId);
      if (standing === 'accepted') await this.#settle(work, 'applied');
    }
  }

  /** Sends one; returns the refusal's code, or undefined when the server has it. */
  async #send(work: OpenSubmission): Promise<string | undefined> {
    const { server, trainer, emit } = this.#ports;
    const { taskId } = work;
    const bytes = await trainer.submission(taskId);
    const mayHaveBegun = this.#begun.has(taskId);
    this.#begun.add(taskId);
    try {
      this.#acknowledged(work, (await server.submit(taskId, bytes, { mayHaveBegun })).submissionId);
      return undefined;
    } catch (error) {
      const verdict = judgeDelivery(error);
      if (verdict.kind === 'received') {
        this.#acknowledged(work, verdict.submissionId);
        return undefined;
      }
      const { code } = verdict;
      await this.#settle(work, 'returned');
      emit({ type: 'refused', taskId, submissionId: null, code, reason: messageOf(error), score: '0' });
      return code;
    }
  }

  #acknowledged(work: OpenSubmission, submissionId: string): void {
    this.#replace(work, { ...work, submissionId });
    this.#ports.emit({ type: 'submitted', taskId: work.taskId, submissionId, bytes: work.sizeBytes });
  }

  /** Tells what is new about a submission; a refusal takes its work off the book. */
  async #ask(work: OpenSubmission, submissionId: string): Promise<Submission['status']> {
    const { emit } = this.#ports;
    const { taskId } = work;
    const submission = await this.#read(submissionId);
    if (submission === undefined) {
      await this.#settle(work, 'returned'); // the server knows nothing of it, so nobody will apply it
      const reason = 'the server does not know this submission';
      emit({ type: 'refused', taskId, submissionId, code: 'SUBMISSION_UNKNOWN', reason, score: '0' });
      return 'refused';
    }
    const { score, gainNats, reason } = submission;
    const verdict = judgeVerdict(submission);
    if (verdict.kind === 'refused') {
      await this.#settle(work, verdict.outcome);
      emit({ type: 'refused', taskId, submissionId, code: verdict.code, reason, score });
    } else if (verdict.kind === 'accepted' && !work.accepted) {
      this.#replace(work, { ...work, accepted: true });
      emit({ type: 'accepted', taskId, submissionId, score, gainNats });
    }
    return verdict.kind;
  }

  async #read(submissionId: string): Promise<Submission | undefined> {
    try {
      return await this.#ports.server.submission(submissionId);
    } catch (error) {
      if (refusalOf(error) === 'SUBMISSION_UNKNOWN') return undefined;
      throw error;
    }
  }

  async #settle({ taskId }: OpenSubmission, outcome: Outcome): Promise<void> {
    await this.#ports.trainer.settle({ taskId, outcome });
    this.#begun.delete(taskId);
    this.#open = this.#open.filter((other) => other.taskId !== taskId);
  }

  #replace(work: OpenSubmission, by: OpenSubmission): void {
    this.#open = this.#open.map((other) => (other.taskId === work.taskId ? by : other));
  }
}

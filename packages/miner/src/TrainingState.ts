/**
 * @file What a miner must not lose between tasks, saved as one: the residual, the optimiser's state, and
 * submissions without a final verdict. Saved together, so a crash at any point leaves residual and submissions that
 * belong together (SPEC WIRE-1, WIRE-2): work is in the file before it is sent, and settling it may be repeated.
 */
import {
  decodeAnySubmission,
  deltaAsDecoded,
  errorCodeOf,
  type TensorLayout,
  type WireFormat,
} from '@alice/protocol';
import { ErrorFeedback, type Selection } from '@alice/training';
import { MinerError } from './errors.js';
import type { LoadedState, States } from './states.js';
import type { Outcome, UnsettledWork } from './trainer.js';

export interface TrainingStateOptions {
  readonly states: States;
  readonly name: string;
  readonly layout: TensorLayout;
  readonly networkId: string;
}

export interface CompressionSettings {
  readonly density: number;
  readonly errorFeedbackDecay: number;
  readonly selection?: Selection | undefined;
  /** What it is sent in: the residual keeps what the format rounds away. */
  readonly format: WireFormat;
}

interface Facts {
  readonly networkId: string;
  readonly parameters: number;
  readonly unsettled: readonly UnsettledWork[];
}

interface OpenWork extends UnsettledWork {
  readonly bytes: Uint8Array;
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const RESIDUAL = 'residual';
const OPTIMIZER = 'optimizer';
const nameOf = ({ taskId }: Pick<UnsettledWork, 'taskId'>): string => `submission:${taskId}`;
/** Older work than this many submissions is history: its round is long over. */
const MAX_UNSETTLED = 16;

export class TrainingState {
  /** State of the inner optimiser as it was after the last saved task. */
  optimizer: Uint8Array | undefined;
  readonly #options: TrainingStateOptions;
  /** None until something is compressed with a residual: as large as the model, it may not fit. */
  #feedback: ErrorFeedback | undefined;
  #compression: CompressionSettings = { density: 1, errorFeedbackDecay: 1, format: { wire: 'binary_v2' } };
  #unsettled: OpenWork[] = [];
  #isSaved = true;

  /** Opens the file; `found` is `damaged` when it could not be used and was set aside. */
  static async open(
    options: TrainingStateOptions,
  ): Promise<{ state: TrainingState; found: LoadedState<unknown>['found'] }> {
    const state = new TrainingState(options);
    const loaded = await options.states.load<Facts>(options.name);
    if (loaded.found !== 'good') return { state, found: loaded.found };
    const { facts, parts } = loaded;
    const residual = parts.get(RESIDUAL);
    if (facts.networkId !== options.networkId || facts.parameters !== options.layout.size)
      return { state, found: 'damaged' };
    if (residual) {
      state.#feedback = state.#feedbackWith(state.#compression);
      state.#feedback.importState(residual);
    }
    state.optimizer = parts.get(OPTIMIZER);
    state.#unsettled = facts.unsettled.map((work) => ({
      ...work,
      bytes: parts.get(nameOf(work)) ?? new Uint8Array(),
    }));
    return { state, found: 'good' };
  }

  private constructor(options: TrainingStateOptions) {
    this.#options = options;
  }

  get unsettled(): readonly UnsettledWork[] {
    return this.#unsettled.map(({ taskId, round, sizeBytes }) => ({ taskId, round, sizeBytes }));
  }

  /** The residual under a task's settings; it stays the same when the settings change. */
  feedback(settings: CompressionSettings): ErrorFeedback {
    const isSame = JSON.stringify(settings) === JSON.stringify(this.#compression);
    if (isSame && this.#feedback) return this.#feedback;
    const next = this.#feedbackWith(settings);
    if (this.#feedback) next.residual.set(this.#feedback.residual);
    this.#feedback = next;
    this.#compression = settings;
    return next;
  }

  /** Takes up work whose values have just left the residual, and saves. Throws `STATE_NOT_SAVED`, `DISK_FULL`; then it is undone. */
  async add(work: UnsettledWork, bytes: Uint8Array): Promise<void> {
    for (const old of this.#unsettled.filter(({ taskId }) => taskId === work.taskId))
      await this.settle(old.taskId, 'returned');
    this.#unsettled = [...this.#unsettled, { ...work, bytes }].slice(-MAX_UNSETTLED);
    this.#isSaved = false;
    try {
      await this.save();
    } catch (error) {
      await this.settle(work.taskId, 'returned');
      throw error;
    }
  }

  /** The bytes to send. Throws `WORK_UNKNOWN`. */
  submission(taskId: string): Uint8Array {
    const work = this.#find(taskId);
    if (work !== undefined) return work.bytes;
    throw new MinerError(
      { code: 'WORK_UNKNOWN', taskId },
      `nothing is saved for task ${taskId}: it has been settled`,
    );
  }

  /** Takes work off the books. Not saved at once: after a crash the same verdict is fetched and settled again. */
  async settle(taskId: string, outcome: Outcome): Promise<void> {
    const work = this.#find(taskId);
    if (work === undefined) return;
    this.#unsettled = this.#unsettled.filter((other) => other !== work);
    this.#isSaved = false;
    if (outcome !== 'returned' || !this.#feedback) return;
    const limits = {
      layout: this.#options.layout,
      maxEntries: this.#options.layout.size,
      maxInflatedBytes: Number.MAX_SAFE_INTEGER,
    };
    const { delta } = await decodeAnySubmission(work.bytes, limits);
    this.#feedback.giveBack(delta);
  }

  /** Writes the file if anything changed. Throws `STATE_NOT_SAVED`, `DISK_FULL`. */
  async save(): Promise<void> {
    if (this.#isSaved) return;
    const { states, name, layout, networkId } = this.#options;
    const facts: Facts = { networkId, parameters: layout.size, unsettled: this.unsettled };
    const parts = new Map<string, Uint8Array>();
    if (this.#feedback) parts.set(RESIDUAL, this.#feedback.exportState());
    if (this.optimizer !== undefined) parts.set(OPTIMIZER, this.optimizer);
    for (const work of this.#unsettled) parts.set(nameOf(work), work.bytes);
    try {
      await states.save(name, { facts, parts });
    } catch (cause) {
      const path = `${states.place}/${name}`;
      if (FULL.has(errorCodeOf(cause) ?? ''))
        throw new MinerError(
          { code: 'DISK_FULL', path },
          `no space is left for ${path}: free some; the miner waits, and what it has trained is kept in memory`,
          { cause },
        );
      throw new MinerError(
        { code: 'STATE_NOT_SAVED', path },
        `cannot write ${name} to ${states.place}: allow writing there; nothing was sent`,
        { cause },
      );
    }
    this.#isSaved = true;
  }

  #find(taskId: string): OpenWork | undefined {
    return this.#unsettled.find((work) => work.taskId === taskId);
  }

  #feedbackWith({ density, errorFeedbackDecay, selection, format }: CompressionSettings): ErrorFeedback {
    return new ErrorFeedback(this.#options.layout, {
      density,
      decay: errorFeedbackDecay,
      selection,
      asDecoded: (delta) => deltaAsDecoded(delta, format),
    });
  }
}

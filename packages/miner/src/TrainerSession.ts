/**
 * @file What every computing half of a miner does alike, wherever its weights lie: one network open at a time, requests one
 * after another, unsent work in the saved state. How a copy follows the versions and how a task is trained is the kind's own.
 */
import type { TrainingState } from './TrainingState.js';
import type {
  OpenedTrainer,
  OpenTrainer,
  Outcome,
  Synced,
  SyncRequest,
  Trained,
  Trainer,
  TrainRequest,
} from './trainer.js';

export interface OpenedSession {
  readonly request: OpenTrainer;
  readonly found: OpenedTrainer['state'];
  readonly state: TrainingState;
}

/** How a state that was looked for in a folder was found, as the other thread is told. */
export const STATE_OF = { good: 'resumed', missing: 'fresh', damaged: 'damaged' } as const;

export abstract class TrainerSession<Opened extends OpenedSession> implements Trainer {
  #opened: Opened | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** Opened again for the same network it keeps what it has. */
  open(request: OpenTrainer): Promise<OpenedTrainer> {
    return this.#inTurn(async () => {
      if (JSON.stringify(this.#opened?.request) !== JSON.stringify(request)) {
        await this.#close();
        this.#opened = await this.read(request);
      }
      const { found, state } = this.#session();
      return { state: found, unsettled: state.unsettled };
    });
  }

  sync(request: SyncRequest): Promise<Synced> {
    return this.#inTurn(() => this.follow(this.#session(), request));
  }

  train(request: TrainRequest): Promise<Trained> {
    return this.#inTurn(() => this.work(this.#session(), request));
  }

  submission(taskId: string): Promise<Uint8Array> {
    return this.#inTurn(async () => this.#session().state.submission(taskId));
  }

  settle({ taskId, outcome }: { taskId: string; outcome: Outcome }): Promise<void> {
    return this.#inTurn(() => this.#session().state.settle(taskId, outcome));
  }

  save(): Promise<void> {
    return this.#inTurn(() => this.#session().state.save());
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  protected abstract read(request: OpenTrainer): Promise<Opened>;
  /** Brings the copy of the model to the manifest's version. */
  protected abstract follow(opened: Opened, request: SyncRequest): Promise<Synced>;
  protected abstract work(opened: Opened, request: TrainRequest): Promise<Trained>;
  /** Saves what is the kind's own, and lets go of everything; the state itself has been saved, or could not be. */
  protected abstract release(opened: Opened): Promise<void>;

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #session(): Opened {
    if (this.#opened === undefined)
      throw new Error('cannot happen: the miner opens its session before using it');
    return this.#opened;
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    try {
      await opened.state.save();
    } finally {
      await this.release(opened);
    }
  }
}

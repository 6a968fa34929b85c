/**
 * @file What a participant does with its turn in a round. An honest one trains on its rows and sends the compressed
 * delta. A hostile one sees more than it would in practice, the honest submissions of the same round among it, so that
 * what is refused here would be refused there.
 */
import { entryCount, type Random, type SparseDelta, type TensorLayout } from '@alice/protocol';
import type { LabSettings } from './settings.js';
import type { Worker } from './Worker.js';

export interface Turn {
  readonly settings: LabSettings;
  readonly layout: TensorLayout;
  readonly round: number;
  /** Position among the participants that behave like this one. */
  readonly member: number;
  /** The published weights. */
  readonly base: Float32Array;
  /** The published weights of the versions before, newest first. */
  readonly earlier: readonly Float32Array[];
  /** The assigned rows. */
  readonly rows: Uint16Array;
  /** Inner steps the device can do in the task's window. */
  readonly steps: number;
  readonly firstStep: number;
  readonly worker: Worker;
  /** Honest submissions of this round. */
  readonly seen: readonly SparseDelta[];
  /** What this group shares in this round: the first of it to work leaves its result here. */
  readonly shared: Map<string, SparseDelta>;
  readonly random: Random;
  /** Rows of another task, and of the held-out split (as a cheat who guessed it would have them). */
  readonly otherRows: () => Promise<Uint16Array>;
  readonly heldOutRows: () => Promise<Uint16Array>;
}

export interface Contribution {
  readonly delta: SparseDelta;
  /** Inner steps the header claims. */
  readonly claimedSteps: number;
  /** Inner steps really done. */
  readonly doneSteps: number;
}

export interface Behaviour {
  readonly name: string;
  readonly isHonest: boolean;
  act(turn: Turn): Promise<Contribution | undefined>;
  /** Told when the submission was refused. */
  refused?(turn: Pick<Turn, 'worker'>, sent: SparseDelta): void;
}

/** Trains on what it was given; a refused submission goes back into the residual. */
export const honest: Behaviour = {
  name: 'honest',
  isHonest: true,
  act: async ({ worker, base, rows, steps, firstStep }) => {
    const delta = await worker.train({ base, rows, steps, firstStep });
    return { delta: worker.compress(delta), claimedSteps: steps, doneSteps: steps };
  },
  refused: ({ worker }, sent) => {
    if (entryCount(sent) > 0) worker.codec.giveBack(sent);
  },
};

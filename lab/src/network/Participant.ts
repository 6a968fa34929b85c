/** @file One device of a simulated network: what it does, how fast it is, when it is there, what its line does to it. */
import type { Behaviour } from './behaviour.js';

export interface Participant {
  readonly id: string;
  readonly behaviour: Behaviour;
  /** Inner steps it can do in a task's window; as many as a task asks for unless given. */
  readonly stepsPerWindow?: number;
  /** First round it takes part in. */
  readonly joinsAt?: number;
  /** First round it is gone. */
  readonly leavesAt?: number;
  /** Chance that an upload is lost. */
  readonly lossRate?: number;
  /** Chance that it answers a round late, on the weights it was given. */
  readonly lateRate?: number;
}

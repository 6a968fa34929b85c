/**
 * @file What an experiment is: arms (settings, participants with their perturbations and attacks, rounds), what is read off
 * the recorded rounds, and assertions on it. A small file each; the runner does the rest.
 */
import type { Participant } from '../network/Participant.js';
import type { LabSettings } from '../network/settings.js';

export interface Arm {
  readonly id: string;
  readonly settings: LabSettings;
  readonly participants: readonly Participant[];
  readonly rounds: number;
  /** Rounds of `warmup` participants before, shared by all arms that name the same ones; not recorded. */
  readonly warmup?: { readonly participants: readonly Participant[]; readonly rounds: number };
  /** `dense`: data-parallel AdamW over all participants' rows, every step, instead of the protocol. */
  readonly scheme?: 'protocol' | 'dense';
}

/** One round of one arm, as it is written to the CSV. */
export interface RoundRow {
  readonly arm: string;
  readonly round: number;
  readonly lossNats: number;
  readonly tokens: number;
  readonly uplinkBytes: number;
  readonly applied: number;
  readonly honestSent: number;
  readonly honestAccepted: number;
  readonly honestSteps: number;
  readonly honestPaidNats: number;
  readonly hostileSent: number;
  readonly hostileAccepted: number;
  readonly hostileSteps: number;
  readonly hostilePaidNats: number;
  /** Covered shares of the probed submissions, separated by spaces. */
  readonly honestCovered: string;
  readonly hostileCovered: string;
  readonly refusals: string;
  readonly stateRoot: string;
}

export interface Assertion {
  readonly claim: string;
  readonly holds: boolean;
  readonly found: string;
}

export interface Finding {
  /** First row is the heading. */
  readonly table: readonly (readonly string[])[];
  readonly assertions: readonly Assertion[];
  readonly plot?: Plot;
  /** Further ones, by what is added to the name of the file. */
  readonly plots?: Readonly<Record<string, Plot>>;
}

export type Plot =
  | {
      readonly kind: 'bars';
      readonly title: string;
      readonly unit: string;
      readonly bars: readonly Bar[];
      readonly mark?: number;
    }
  | {
      readonly kind: 'lines';
      readonly title: string;
      readonly x: string;
      readonly y: string;
      readonly logX?: boolean;
      readonly lines: readonly Line[];
    };

export interface Bar {
  readonly label: string;
  readonly values: readonly { readonly series: string; readonly value: number }[];
}

export interface Line {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Experiment {
  readonly id: string;
  readonly about: string;
  arms(quick: boolean): readonly Arm[];
  read(rows: readonly RoundRow[], quick: boolean): Finding;
  /** What rounds of arms cannot express: runs in place of them. */
  study?(quick: boolean, say: (line: string) => void): Promise<Finding>;
}

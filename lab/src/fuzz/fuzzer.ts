/** @file What a fuzzer is: it tries inputs that nobody would send on purpose, and counts what became of them. */

export interface FuzzReport {
  readonly inputs: number;
  /** Inputs by what they ended in: 'accepted' or an error code. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What must never happen, with the input that makes it happen again; empty when all is well. */
  readonly findings: readonly string[];
}

/** A report as one process hands it to another. */
export interface SerialReport extends Omit<FuzzReport, 'outcomes'> {
  readonly outcomes: readonly (readonly [outcome: string, inputs: number])[];
}

export interface Fuzzer {
  readonly name: string;
  readonly about: string;
  /** Stops at the first finding, at `untilMs`, or after `inputs`. Equal seeds try equal inputs. */
  run(options: { seed: string; untilMs: number; inputs: number }): Promise<FuzzReport>;
}

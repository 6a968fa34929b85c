/** @file What a bench reports. A figure is quoted with the baseline measured in the same run; times alone say little. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same quantity for the baseline of this run; null where there is none to compare with. */
  readonly baseline: number | null;
  readonly note: string;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  /** Measures; `say` takes lines for a person, which a machine reader never sees. */
  run(say: (line: string) => void): Promise<readonly Figure[]>;
}

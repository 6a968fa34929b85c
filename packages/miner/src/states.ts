/**
 * @file What a miner keeps between runs, by name: a few facts and byte strings, all of one moment. Files on a computer
 * (stateFile.ts), a database in a browser (browser/DatabaseStates.ts). Whoever implements it promises that a crash at
 * any instant leaves the old content or the new, never a mixture.
 */

export interface StateContent<Facts> {
  readonly facts: Facts;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}
export type LoadedState<Facts> =
  | ({ readonly found: 'good' } & StateContent<Facts>)
  | { readonly found: 'missing' | 'damaged' };

export interface States {
  /** Where they lie, for messages to a person: a folder, or the browser. */
  readonly place: string;
  /** Damaged content is set aside and counts as absent from then on. Facts are what was saved under this name. */
  load<Facts>(name: string): Promise<LoadedState<Facts>>;
  save(name: string, content: StateContent<unknown>): Promise<void>;
}

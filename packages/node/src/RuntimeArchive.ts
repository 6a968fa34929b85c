/**
 * @file Every runtime this chain has had: its version and metadata, and the block from which it ruled. A client that
 * reads an old block must decode it with the metadata of that time; the running program only knows its own.
 * Cost: one entry (about 100 KiB) per runtime version, written when a node first starts with it.
 */
import type { Runtime, StateView } from '@alice/runtime';
import type { ChainStore } from './store/ChainStore.js';

/** A runtime that rules no more, as far as clients ask about it. */
export interface PastRuntime {
  readonly specVersion: number;
  /** The first block it made. */
  readonly since: number;
  readonly versionJson: Readonly<Record<string, unknown>>;
  /** SCALE `RuntimeVersion`, what `Core_version` answered. */
  readonly coreVersion: Uint8Array;
  readonly metadata14: Uint8Array;
  readonly metadata15: Uint8Array;
}

const FACT = 'runtimes';

export class RuntimeArchive {
  readonly #runtimes: readonly PastRuntime[];

  /** Notes the running runtime if the store has not seen it; blocks after `headNumber` are its own. */
  constructor(store: ChainStore, runtime: Runtime, head: { number: number; state: StateView }) {
    const known = ((store.fact(FACT) as PastRuntime[] | undefined) ?? []).map(owned);
    const specVersion = Number(runtime.versionJson['specVersion']);
    if (known.at(-1)?.specVersion === specVersion) {
      this.#runtimes = known;
      return;
    }
    const present: PastRuntime = {
      specVersion,
      since: known.length === 0 ? 0 : head.number + 1,
      versionJson: runtime.versionJson,
      coreVersion: runtime.call(head.state, 'Core_version', new Uint8Array()) ?? new Uint8Array(),
      metadata14: runtime.metadata(14),
      metadata15: runtime.metadata(15),
    };
    this.#runtimes = [...known, present];
    store.putFact(FACT, this.#runtimes);
  }

  /** The runtime that ruled block `number`; `undefined` when it is the running one. */
  at(number: number): PastRuntime | undefined {
    const ruling = this.#runtimes.findLast(({ since }) => since <= number);
    return ruling === this.#runtimes.at(-1) ? undefined : ruling;
  }
}

/** Byte strings come back from the store as views of a shared buffer. */
function owned(runtime: PastRuntime): PastRuntime {
  const { coreVersion, metadata14, metadata15 } = runtime;
  return {
    ...runtime,
    coreVersion: new Uint8Array(coreVersion),
    metadata14: new Uint8Array(metadata14),
    metadata15: new Uint8Array(metadata15),
  };
}

/**
 * @file A function compiled for as many rows at once as memory allows: whenever memory ends it is compiled anew for fewer,
 * and the work it failed in is done again. The rows always divide the whole, so work cut into such parts comes out even
 * (SPEC TRAIN-5).
 */
import { errorCodeOf } from '@alice/protocol';

export interface Compiled {
  dispose(): Promise<void>;
}

export interface ElasticParts<T extends Compiled> {
  /** Rows wanted at once. */
  readonly rows: number;
  readonly compile: (rows: number) => Promise<T>;
  /** Told when memory ran out, with the rows that are computed at once from now on. */
  readonly onMicroBatch?: ((rows: number) => void) | undefined;
}

export interface Elastic<T> extends Compiled {
  /** Does work that may be done again from its beginning. Throws `OUT_OF_MEMORY` when a single row is too much. */
  use<R>(work: (own: T, rows: number) => Promise<R>): Promise<R>;
}

/** Throws what compiling throws, and `OUT_OF_MEMORY` when a single row is too much. */
export async function openElastic<T extends Compiled>(parts: ElasticParts<T>): Promise<Elastic<T>> {
  const { rows: whole, compile, onMicroBatch } = parts;
  let rows = whole;
  let compiled: T | undefined;
  const dispose = async (): Promise<void> => {
    const old = compiled;
    compiled = undefined;
    await old?.dispose();
  };
  const use = async <R>(work: (own: T, rows: number) => Promise<R>): Promise<R> => {
    for (;;) {
      try {
        compiled ??= await compile(rows);
        return await work(compiled, rows);
      } catch (error) {
        if (errorCodeOf(error) !== 'OUT_OF_MEMORY' || rows === 1) throw error;
        await dispose();
        rows = smallerDivisor(whole, rows);
        onMicroBatch?.(rows);
      }
    }
  };
  await use(async () => undefined);
  return { use, dispose };
}

function smallerDivisor(whole: number, below: number): number {
  for (let size = below - 1; size > 1; size--) if (whole % size === 0) return size;
  return 1;
}

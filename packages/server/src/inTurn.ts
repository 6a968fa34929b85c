/** @file Work that must not overlap, in the order asked. */

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs each work once those asked before it have ended, however they ended. */
export function createInTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

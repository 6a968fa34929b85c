/**
 * @file Group commit: calls that come while an earlier group is being worked on wait for the next group, so that under load
 * many share one transaction, and alone nobody waits. A call's promise ends after the commit of its group. A group that
 * fails is worked on again call by call, so that one bad call fails alone.
 */

/** `work` gets at most `most` calls and answers each in the same order; it must be safe to repeat. */
export function groupCalls<A, R>(
  work: (calls: readonly A[]) => Promise<readonly R[]>,
  most: number,
): (call: A) => Promise<R> {
  interface Waiting {
    readonly call: A;
    resolve(result: R): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];
  let isWorking = false;

  const workOn = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const results = await work(group.map(({ call }) => call));
      for (const [i, { resolve }] of group.entries()) resolve(results[i]!);
    } catch (error) {
      if (group.length === 1) return group[0]!.reject(error);
      for (const one of group) await workOn([one]);
    }
  };
  const run = async (): Promise<void> => {
    if (isWorking) return;
    isWorking = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, most);
      waiting = waiting.slice(most);
      await workOn(group);
    }
    isWorking = false;
  };
  return (call) =>
    new Promise((resolve, reject) => {
      waiting.push({ call, resolve, reject });
      void run();
    });
}

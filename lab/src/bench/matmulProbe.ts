/**
 * @file How fast this process multiplies matrices at best: the yardstick beside which training speeds are quoted. Other
 * work on the machine slows the probe and what it is compared with alike, so probes are taken all through a
 * measurement, and their mean rate is the yardstick.
 */
import { input, matmul, openSession, tensorOf } from '@alice/engine';

const SIZE = 2048;
const FLOP = 2 * SIZE ** 3;

export interface MatmulProbe {
  /** Multiplies once and adds to the rate. Returns how long it took. */
  take(): Promise<number>;
  /** Mean rate of the probes since the last reset. */
  gflops(): number;
  reset(): void;
  release(): Promise<void>;
}

/** A probe of square FP32 matrices on the given number of threads. */
export async function openMatmulProbe(threads: number): Promise<MatmulProbe> {
  const shape = [SIZE, SIZE];
  const session = await openSession({ y: matmul(input('a', shape), input('b', shape)) }, { threads });
  const matrix = (): ReturnType<typeof tensorOf> => tensorOf(new Float32Array(SIZE * SIZE).fill(0.5), shape);
  const feeds = { a: matrix(), b: matrix() };
  const into = { y: matrix() };
  await session.run(feeds, into);
  let [count, elapsedMs] = [0, 0];
  return {
    async take() {
      const start = performance.now();
      await session.run(feeds, into);
      const tookMs = performance.now() - start;
      count++;
      elapsedMs += tookMs;
      return tookMs;
    },
    gflops: () => (count * FLOP) / elapsedMs / 1e6,
    reset() {
      [count, elapsedMs] = [0, 0];
    },
    release: () => session.release(),
  };
}

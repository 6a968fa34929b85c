/**
 * @file How fast this process multiplies matrices at best: the yardstick beside which training speeds are quoted. Other
 * work on the machine slows the probe and what it is compared with alike, so probes are taken all through a
 * measurement, and their mean rate is the yardstick.
 */
import { input, matmul, openSession, tensorOf } from '@alice/engine';

export const PROBE_SIZE = 2048;
const FLOP = 2 * PROBE_SIZE ** 3;

/** Time by the clock, and processor time of all threads of this process. */
export interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Starts both clocks; the result tells what was spent since. */
export function spentSince(): () => Spent {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - start, cpuMs: (user + system) / 1e3 };
  };
}

export interface MatmulProbe {
  /** Multiplies once and adds to the rates. Returns what it took. */
  take(): Promise<Spent>;
  /** Mean rate of the probes since the last reset, by the clock. */
  gflops(): number;
  /** The same for each second of processor time, which other work on the machine hardly changes. */
  gflopsPerCpu(): number;
  reset(): void;
  release(): Promise<void>;
}

/** A probe of square FP32 matrices on the given number of threads. */
export async function openMatmulProbe(threads: number): Promise<MatmulProbe> {
  const shape = [PROBE_SIZE, PROBE_SIZE];
  const session = await openSession({ y: matmul(input('a', shape), input('b', shape)) }, { threads });
  const matrix = (): ReturnType<typeof tensorOf> =>
    tensorOf(new Float32Array(PROBE_SIZE * PROBE_SIZE).fill(0.5), shape);
  const feeds = { a: matrix(), b: matrix() };
  const into = { y: matrix() };
  await session.run(feeds, into);
  let [count, ms, cpuMs] = [0, 0, 0];
  return {
    async take() {
      const spent = spentSince();
      await session.run(feeds, into);
      const took = spent();
      count++;
      ms += took.ms;
      cpuMs += took.cpuMs;
      return took;
    },
    gflops: () => (count * FLOP) / ms / 1e6,
    gflopsPerCpu: () => (count * FLOP) / cpuMs / 1e6,
    reset() {
      [count, ms, cpuMs] = [0, 0, 0];
    },
    release: () => session.release(),
  };
}

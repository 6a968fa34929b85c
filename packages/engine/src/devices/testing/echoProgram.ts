/** @file A program for tests of ComputeProgram: answers, asks back, and ends when told. */
import { getPriority } from 'node:os';
import { PortCalls } from '@alice/protocol';
import { servedDevice } from '../servedDevice.js';

export interface Echo {
  about(request: undefined): Promise<{ device: string; settings: string; pid: number }>;
  /** Of the thread it is in, as the system schedules it. */
  priority(request: undefined): Promise<number>;
  /** Twice the sum of the numbers; the doubling is asked of the starter. */
  twiceSum(numbers: Map<string, Float32Array>): Promise<Float32Array>;
  /** Of the process it is in. */
  kill(signal: NodeJS.Signals): Promise<unknown>;
}

const { port, device, settings } = servedDevice<string>();
const calls: PortCalls<{ twice(value: number): Promise<number> }> = new PortCalls(port, {
  about: () => ({ device, settings, pid: process.pid }),
  priority: () => getPriority(),
  twiceSum: async (numbers: Map<string, Float32Array>) => {
    const sum = [...numbers.values()].reduce((total, [a, b]) => total + a! + b!, 0);
    return Float32Array.of(await calls.call('twice', sum));
  },
  kill: (signal: NodeJS.Signals) => process.kill(process.pid, signal),
});

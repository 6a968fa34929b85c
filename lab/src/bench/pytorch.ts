/**
 * @file PyTorch beside the engine, a step at a time (`trainLlama.py`): steps are taken in turn with the engine's, so that
 * what else the machine does falls on both.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Spent } from './matmulProbe.js';

const SCRIPT = fileURLToPath(new URL('../../src/bench/trainLlama.py', import.meta.url));

export type PytorchMode = 'eager' | 'compiled';

export interface Pytorch {
  readonly version: string;
  /** `compiled` is left out where there is no C++ compiler. */
  readonly modes: readonly PytorchMode[];
  /** Loss and gradient of one batch. */
  step(mode: PytorchMode): Promise<Spent>;
  /** Square FP32 matrices of this size: what the bench's own probe does. */
  matmul(size: number): Promise<Spent>;
  close(): Promise<void>;
}

/** Starts it and waits until it is warm; `undefined` where `python3` has no PyTorch. */
export async function openPytorch(workload: object): Promise<Pytorch | undefined> {
  const child = spawn('python3', [SCRIPT], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined); // it has ended: reading tells
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async <T>(line: string): Promise<T | undefined> => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    return done === true ? undefined : (JSON.parse(value) as T);
  };
  const about = await ask<Pick<Pytorch, 'version' | 'modes'>>(JSON.stringify(workload));
  if (!about) return undefined;
  const spentIn = async (work: string): Promise<Spent> => {
    const spent = await ask<Spent>(work);
    if (!spent) throw new Error(`PyTorch ended in "${work}"; see python3 ${SCRIPT}`);
    return spent;
  };
  return {
    ...about,
    step: spentIn,
    matmul: (size) => spentIn(`matmul ${size}`),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

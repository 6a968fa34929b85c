/**
 * @file The program `detectDevices` runs in a process of its own: computes a product and a softmax on one device, checks
 * every number, and times a larger product. Prints one line of JSON. A provider that crashes ends this process alone.
 * Node only.
 */
import { messageOf } from '@alice/protocol';
import { EngineError } from '../errors.js';
import { input, matmul, softmax } from '../graph/operations.js';
import { nodePlatformOn } from '../session/nodePlatform.js';
import { openSession } from '../session/openSession.js';
import { tensorOf } from '../session/tensorData.js';
import type { DeviceName } from './device.js';

export type ProbeAnswer =
  | { readonly state: 'ready'; readonly gflops: number }
  | { readonly state: 'broken' | 'absent'; readonly reason: string };

const CHECK_SIZE = 48;
const TIMED_SIZE = 512;
/** Rounding of products in TF32 and the like is no fault. */
const TOLERANCE = 2e-3;
const TIMED_MS = 200;

const matrix = (size: number, phase: number): Float32Array =>
  Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * 0.37 + phase));

async function probe(device: DeviceName, threads: number): Promise<ProbeAnswer> {
  try {
    const largestError = await checkNumbers(device, threads);
    if (!(largestError < TOLERANCE))
      return { state: 'broken', reason: `it computes wrong numbers: off by ${largestError}` };
    return { state: 'ready', gflops: await measure(device, threads) };
  } catch (error) {
    const opens = error instanceof EngineError && error.info.code === 'SESSION_FAILED';
    const state = opens && error.info.stage === 'open' ? 'absent' : 'broken';
    return { state, reason: messageOf(error) };
  }
}

async function checkNumbers(device: DeviceName, threads: number): Promise<number> {
  const shape = [CHECK_SIZE, CHECK_SIZE];
  const [a, b] = [matrix(CHECK_SIZE, 0), matrix(CHECK_SIZE, 1)];
  const graph = { y: softmax(matmul(input('a', shape), input('b', shape))) };
  const session = await openSession(graph, { threads, platform: nodePlatformOn(device) });
  const { y } = await session.run({ a: tensorOf(a, shape), b: tensorOf(b, shape) });
  await session.release();
  const want = softmaxOfProduct(a, b, CHECK_SIZE);
  return want.reduce((largest, value, i) => Math.max(largest, Math.abs(value - y!.data[i]!)), 0);
}

function softmaxOfProduct(a: Float32Array, b: Float32Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const scores = Array.from({ length: size }, (_, column) => {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += a[row * size + k]! * b[k * size + column]!;
      return sum;
    });
    const top = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
    scores.forEach((score, column) => {
      result[row * size + column] = Math.exp(score - top) / total;
    });
  }
  return result;
}

/** Best rate within a short time: a busy machine makes the rest look slower than it is. */
async function measure(device: DeviceName, threads: number): Promise<number> {
  const shape = [TIMED_SIZE, TIMED_SIZE];
  const b = input('b', shape);
  const graph = { y: matmul(matmul(input('a', shape), b), b) };
  const session = await openSession(graph, { threads, platform: nodePlatformOn(device) });
  const feeds = { a: tensorOf(matrix(TIMED_SIZE, 0), shape), b: tensorOf(matrix(TIMED_SIZE, 1), shape) };
  await session.run(feeds);
  let fastestMs = Number.POSITIVE_INFINITY;
  const endMs = performance.now() + TIMED_MS;
  do {
    const startMs = performance.now();
    await session.run(feeds);
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  } while (performance.now() < endMs);
  await session.release();
  return (2 * 2 * TIMED_SIZE ** 3) / fastestMs / 1e6;
}

const [device, threads] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await probe(device as DeviceName, Number(threads)))}\n`);

/**
 * @file Turns a graph into something that runs: verify, encode, open, then run with checked feeds. Feeds are checked
 * here so that a wrong shape is an error with a name in it, the same on every platform.
 */
import { messageOf } from '@alice/protocol';
import { EngineError } from '../errors.js';
import { topologicalOrder } from '../graph/topologicalOrder.js';
import { sameShape, sizeOf, type Value, type ValueType } from '../graph/value.js';
import { verifyGraph } from '../graph/verifyGraph.js';
import { workingBytes } from '../graph/workingMemory.js';
import { encodeGraph } from '../onnx/encodeGraph.js';
import type { LoweringOptions } from '../onnx/Lowering.js';
import type { NamedTensors, Platform, PlatformOptions } from './platform.js';

export interface SessionOptions extends PlatformOptions, LoweringOptions {
  /** Where the graph runs; Node's CPU unless given. */
  readonly platform?: Platform | undefined;
}

export interface Session {
  readonly inputs: Readonly<Record<string, ValueType>>;
  readonly outputs: Readonly<Record<string, ValueType>>;
  /**
   * Computes every output from `feeds`; outputs named in `into` are written into the arrays given there. Throws
   * `FEED_*`, `OUTPUT_UNKNOWN`, `SESSION_RELEASED`, `SESSION_FAILED`. Cost: the graph; blocks the thread on Node.
   */
  run(feeds: NamedTensors, into?: NamedTensors): Promise<NamedTensors>;
  /** Frees the native memory; further runs are refused. May be called twice. */
  release(): Promise<void>;
}

/** Opens the graph with the given named outputs. Throws what `verifyGraph` throws, and `SESSION_FAILED`. */
export async function openSession(
  outputs: Readonly<Record<string, Value>>,
  options: SessionOptions,
): Promise<Session> {
  verifyGraph(outputs);
  const inputs = inputsOf(outputs);
  // Loaded on demand, so that a browser, which brings its own platform, never sees the native binding.
  const platform = options.platform ?? (await import('./nodePlatform.js')).nodePlatform;
  const session = await attempt('open', () =>
    platform.open(encodeGraph(outputs, options), { ...options, workingBytes: workingBytes(outputs) }),
  );
  let released = false;
  return {
    inputs,
    outputs,
    async run(feeds, into = {}) {
      if (released)
        throw new EngineError({ code: 'SESSION_RELEASED' }, 'this session was released: open a new one');
      checkFeeds(feeds, inputs);
      checkBuffers(into, outputs);
      return attempt('run', () => session.run(feeds, into));
    },
    async release() {
      if (released) return;
      released = true;
      await session.release();
    },
  };
}

function inputsOf(outputs: Readonly<Record<string, Value>>): Record<string, ValueType> {
  const leaves = topologicalOrder(Object.values(outputs)).filter((value) => value.op === 'Input');
  return Object.fromEntries((leaves as Value<'Input'>[]).map((value) => [value.attributes.name, value]));
}

function checkFeeds(feeds: NamedTensors, inputs: Readonly<Record<string, ValueType>>): void {
  for (const [name, { shape }] of Object.entries(inputs))
    if (!feeds[name])
      throw new EngineError(
        { code: 'FEED_MISSING', name, shape },
        `the graph needs a feed "${name}" (${shape})`,
      );
  for (const [name, tensor] of Object.entries(feeds)) {
    const want = inputs[name];
    if (!want)
      throw new EngineError({ code: 'FEED_UNKNOWN', name }, `the graph has no input "${name}": leave it out`);
    checkTensor(name, tensor, want);
  }
}

function checkBuffers(into: NamedTensors, outputs: Readonly<Record<string, ValueType>>): void {
  for (const [name, tensor] of Object.entries(into)) {
    const want = outputs[name];
    if (!want) throw new EngineError({ code: 'OUTPUT_UNKNOWN', name }, `the graph has no output "${name}"`);
    checkTensor(name, tensor, want);
  }
}

function checkTensor(name: string, tensor: NamedTensors[string], want: ValueType): void {
  const { dtype, shape, data } = tensor;
  if (dtype !== want.dtype)
    throw new EngineError(
      { code: 'FEED_DTYPE', name, want: want.dtype, got: dtype },
      `"${name}" is ${want.dtype} in the graph, not ${dtype}`,
    );
  if (!sameShape(shape, want.shape) || data.length !== sizeOf(want.shape))
    throw new EngineError(
      {
        code: 'FEED_SHAPE',
        name,
        want: want.shape,
        got: sameShape(shape, want.shape) ? [data.length] : shape,
      },
      `"${name}" is (${want.shape}) in the graph; the array offered is (${shape}) with ${data.length} elements`,
    );
}

/** What ONNX Runtime, its devices and JavaScript say when memory cannot be had. */
const OUT_OF_MEMORY = /bad_alloc|failed to allocate|out of memory|allocation failed|OutOfMemory/i;

async function attempt<T>(stage: 'open' | 'run', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (OUT_OF_MEMORY.test(messageOf(cause)))
      throw new EngineError(
        { code: 'OUT_OF_MEMORY', stage },
        `memory ran out: ${messageOf(cause)}; compute fewer rows at once`,
        { cause },
      );
    throw new EngineError(
      { code: 'SESSION_FAILED', stage },
      `ONNX Runtime refused the graph: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
}

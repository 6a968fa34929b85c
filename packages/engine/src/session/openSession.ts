/**
 * @file Turns a graph into something that runs: verify, encode, open, then run with checked feeds. Feeds are checked
 * here so that a wrong shape is an error with a name in it, the same on every platform.
 */
import type { Value, ValueType } from '../graph/value.js';
import { verifyGraph } from '../graph/verifyGraph.js';
import { workingBytes } from '../graph/workingMemory.js';
import { encodeGraph } from '../onnx/encodeGraph.js';
import type { LoweringOptions } from '../onnx/Lowering.js';
import { attempt, checkBuffers, checkFeeds, inputsOf, refuseReleased } from './checkTensors.js';
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
  const platform = options.platform ?? (await nodeProcessor());
  const session = await attempt('open', () =>
    platform.open(encodeGraph(outputs, options), { ...options, workingBytes: workingBytes(outputs) }),
  );
  let released = false;
  return {
    inputs,
    outputs,
    async run(feeds, into = {}) {
      refuseReleased(released);
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

/** Loaded on demand, so that a browser, which brings its own platform, never sees the native binding. */
async function nodeProcessor(): Promise<Platform> {
  return (await import('./nodePlatform.js')).nodePlatform;
}

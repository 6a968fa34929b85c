/**
 * @file A session whose outputs stay on the device they were computed on, to be fed to the next session there: only what
 * is not named in `keep` comes back. What crosses between this program's memory and the device is counted.
 */
import type { Value, ValueType } from '../graph/value.js';
import { verifyGraph } from '../graph/verifyGraph.js';
import { workingBytes } from '../graph/workingMemory.js';
import { encodeGraph } from '../onnx/encodeGraph.js';
import type { LoweringOptions } from '../onnx/Lowering.js';
import { attempt, checkFeeds, inputsOf, outputOf, refuseReleased } from './checkTensors.js';
import type { AnyTensors, KeepingResults, KeepingSession, Platform, PlatformOptions } from './platform.js';

/** Bytes that went to the device and came from it. Weights stored in graphs are not among them. */
export interface Traffic {
  toDevice: number;
  fromDevice: number;
}

export interface DeviceSessionOptions extends PlatformOptions, LoweringOptions {
  /** One that keeps values (`openKeeping`). */
  readonly platform: Platform;
  /** Outputs that stay. */
  readonly keep: readonly string[];
  /** Added to at each run. */
  readonly traffic?: Traffic | undefined;
}

export interface DeviceSession extends KeepingSession {
  readonly inputs: Readonly<Record<string, ValueType>>;
}

/** Opens the graph. Throws what `openSession` throws. */
export async function openDeviceSession(
  outputs: Readonly<Record<string, Value>>,
  { platform, traffic = { toDevice: 0, fromDevice: 0 }, ...options }: DeviceSessionOptions,
): Promise<DeviceSession> {
  verifyGraph(outputs);
  for (const name of options.keep) outputOf(outputs, name);
  const inputs = inputsOf(outputs);
  const { openKeeping } = platform;
  if (!openKeeping) throw new Error('cannot happen: who opens device sessions asked for `openKeeping` first');
  const session = await attempt('open', () =>
    openKeeping(encodeGraph(outputs, options), { ...options, workingBytes: workingBytes(outputs) }),
  );
  let released = false;
  return {
    inputs,
    async run(feeds: AnyTensors): Promise<KeepingResults> {
      refuseReleased(released);
      checkFeeds(feeds, inputs);
      const results = await attempt('run', () => session.run(feeds));
      traffic.toDevice += bytesIn(feeds);
      traffic.fromDevice += bytesIn(results.read);
      return results;
    },
    async release() {
      if (released) return;
      released = true;
      await session.release();
    },
  };
}

function bytesIn(tensors: AnyTensors): number {
  return Object.values(tensors).reduce(
    (sum, tensor) => ('data' in tensor ? sum + tensor.data.byteLength : sum),
    0,
  );
}

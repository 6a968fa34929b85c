/**
 * @file A graph that is run several times under the same weights. Where a device has memory of its own and its runtime
 * keeps values, the weights go there once for all of the runs; elsewhere they are read where they lie.
 */
import {
  type AnyTensors,
  type DeviceTensor,
  type NamedTensors,
  openDeviceSession,
  openSession,
  type Platform,
  type Value,
} from '@alice/engine';
import type { FunctionOptions } from './gradientSession.js';
import type { WeightInput } from './transformer.js';
import { weightFeeds } from './weightFeeds.js';

type Run = (feeds: NamedTensors) => Promise<NamedTensors>;

export interface WeightedSession {
  /** Lends a way to run the graph with these weights for as long as `work` takes. */
  under<R>(parameters: Float32Array, work: (run: Run) => Promise<R>): Promise<R>;
  release(): Promise<void>;
}

/** Throws what `openSession` throws. */
export async function openWeightedSession(
  outputs: Readonly<Record<string, Value>>,
  weights: readonly WeightInput[],
  { threads, lean, platform }: FunctionOptions,
): Promise<WeightedSession> {
  if (platform?.hasOwnMemory && platform.openKeeping)
    return await openThere(outputs, weights, { threads, lean, platform });
  const session = await openSession(outputs, { threads, lean, platform });
  return {
    under: (parameters, work) => {
      const own = weightFeeds(parameters, weights);
      return work((feeds) => session.run({ ...own, ...feeds }));
    },
    release: () => session.release(),
  };
}

async function openThere(
  outputs: Readonly<Record<string, Value>>,
  weights: readonly WeightInput[],
  options: Pick<FunctionOptions, 'threads' | 'lean'> & { readonly platform: Platform },
): Promise<WeightedSession> {
  const names = weights.map(({ value }) => value.attributes.name);
  const placed = weights.map(({ value }) => [there(value.attributes.name), value] as const);
  const session = await openDeviceSession(outputs, { ...options, keep: [] });
  const placing = await openDeviceSession(Object.fromEntries(placed), { ...options, keep: names.map(there) });
  return {
    async under(parameters, work) {
      const { kept } = await placing.run(weightFeeds(parameters, weights));
      const own: AnyTensors = Object.fromEntries(names.map((name) => [name, kept[there(name)]!]));
      try {
        return await work(async (feeds) => (await session.run({ ...own, ...feeds })).read);
      } finally {
        for (const tensor of Object.values<DeviceTensor>(kept)) tensor.release();
      }
    },
    async release() {
      await session.release();
      await placing.release();
    },
  };
}

const there = (name: string): string => `${name} there`;

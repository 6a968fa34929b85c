/**
 * @file A solo engine on a fake runtime and a temporary directory, driven by hand.
 */
import { silentLogger } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import type { PoolLimits } from '../engine/Pool.js';
import { SoloEngine } from '../engine/soloEngine.js';
import { fakeRuntime } from './fakeRuntime.js';
import { type ManualSchedule, manualSchedule } from './manualSchedule.js';
import { GENESIS_TIME_MS, openChain, type ScratchChain } from './scratchChain.js';

export interface SoloScratch extends ScratchChain {
  readonly engine: SoloEngine;
  readonly time: ManualSchedule;
  readonly clock: { nowMs: number };
}

export function soloScratch(
  given: { poolLimits?: PoolLimits; runtime?: Runtime; dir?: string } = {},
): SoloScratch {
  const scratch = openChain(given.dir);
  const time = manualSchedule();
  const clock = { nowMs: Number(GENESIS_TIME_MS) };
  const engine = new SoloEngine({
    chain: scratch.chain,
    runtime: given.runtime ?? fakeRuntime(),
    log: silentLogger,
    blockTimeMs: 3000,
    clock: () => clock.nowMs,
    schedule: time.schedule,
    ...(given.poolLimits ? { poolLimits: given.poolLimits } : {}),
  });
  return { ...scratch, engine, time, clock };
}

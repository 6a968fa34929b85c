/** @file Why a miner should take no task now: the hours its person gave it, and the battery. */
import { isOnBattery } from './battery.js';
import { isScheduled, type Schedule } from './schedule.js';

export interface HoldRules {
  readonly schedule?: Schedule;
  readonly pauseOnBattery?: boolean;
}

export function holdReason({ schedule, pauseOnBattery }: HoldRules): () => Promise<string | undefined> {
  return async () => {
    if (schedule && !isScheduled(schedule, new Date())) return 'outside the hours of --schedule';
    if (pauseOnBattery && (await isOnBattery())) return 'on battery (--pause-on-battery)';
    return undefined;
  };
}

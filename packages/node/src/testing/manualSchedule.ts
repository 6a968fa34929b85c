/**
 * @file Time for tests: actions wait until the test lets them run, so nothing depends on how fast a machine is.
 */
import type { Schedule } from '../engine/soloEngine.js';

export interface ManualSchedule {
  readonly schedule: Schedule;
  /** Runs what is waiting now, in order of delay; what those actions schedule waits for the next call. */
  runWaiting(): void;
  readonly waitingCount: number;
}

export function manualSchedule(): ManualSchedule {
  const waiting = new Set<{ action: () => void; delayMs: number }>();
  return {
    schedule: (action, delayMs) => {
      const entry = { action, delayMs };
      waiting.add(entry);
      return () => void waiting.delete(entry);
    },
    runWaiting: () => {
      const due = [...waiting].sort((a, b) => a.delayMs - b.delayMs);
      for (const entry of due) if (waiting.delete(entry)) entry.action();
    },
    get waitingCount() {
      return waiting.size;
    },
  };
}

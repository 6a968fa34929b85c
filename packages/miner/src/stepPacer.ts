/**
 * @file Decides whether another inner step fits into a task's window, from how long steps take on this device
 * (SPEC TASK-2). Time comes in as a function.
 */

export interface StepPacer {
  /** Asked before each step. */
  shouldStop(): boolean;
  /** Told after each step. */
  onStep(): void;
}

/** The next step may take this much longer than the last one: other programs share the machine. */
const MARGIN = 1.25;

/** The first step always starts while the window is open; each later one only if it should end within it. */
export function paceSteps(windowMs: number, nowMs: () => number, stopRequested: () => boolean): StepPacer {
  const startedMs = nowMs();
  let lastMs = startedMs;
  let expectedMs = 0;
  return {
    shouldStop: () => stopRequested() || nowMs() - startedMs + expectedMs >= windowMs,
    onStep: () => {
      const now = nowMs();
      expectedMs = (now - lastMs) * MARGIN;
      lastMs = now;
    },
  };
}

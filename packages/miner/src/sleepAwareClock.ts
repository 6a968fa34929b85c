/**
 * @file Milliseconds that go on while the computer sleeps. A monotonic clock stands still in sleep on some systems, and the
 * wall clock may be set at any time: what the wall clock has gained on the other since the last look was sleep, or a
 * correction, and either makes a task as old. A wall clock that is set back changes nothing.
 */

/** Less than this is drift. */
const JUMP_MS = 2_000;

export function sleepAwareClock(
  monotonicMs: () => number = () => performance.now(),
  wallMs: () => number = Date.now,
): () => number {
  let offsetMs = wallMs() - monotonicMs();
  let sleptMs = 0;
  return () => {
    const steadyMs = monotonicMs();
    const gainedMs = wallMs() - steadyMs - offsetMs;
    offsetMs += gainedMs;
    if (gainedMs >= JUMP_MS) sleptMs += gainedMs;
    return steadyMs + sleptMs;
  };
}

/** @file The process's own time: on a busy machine an input that takes long by the clock may have taken none of the processor. */

/** Processor time of all threads so far, milliseconds. */
export function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * @file The process's own time: what a computation costs, and not what else the machine was doing meanwhile. Says nothing about
 * work that waits or runs in other processes.
 */

/** Processor time of all threads so far, milliseconds. */
export function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** @file The most memory a process ever held. */
import { readFileSync } from 'node:fs';
import { resourceUsage } from 'node:process';

/** GiB: Linux's own high-water mark, elsewhere what getrusage says of this process. */
export function peakResidentGib(pid: number | 'self' = 'self'): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    if (match) return Number(match[1]) / 2 ** 20;
  } catch {
    // No /proc on this system.
  }
  return pid === 'self' ? resourceUsage().maxRSS / 2 ** 20 : Number.NaN;
}

/** @file The most memory this process ever held. */
import { readFileSync } from 'node:fs';
import { resourceUsage } from 'node:process';

/** GiB: Linux's own high-water mark, elsewhere what getrusage says. */
export function peakResidentGib(): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (match) return Number(match[1]) / 2 ** 20;
  } catch {
    // No /proc on this system.
  }
  return resourceUsage().maxRSS / 2 ** 20;
}

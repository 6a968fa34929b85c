/**
 * @file What is waited for, said on the terminal with the seconds it has taken so far: for work whose end cannot be counted
 * down to. Nothing elsewhere, and nothing for what takes an instant.
 */
import pc from 'picocolors';
import { LiveLines } from './LiveLines.js';

const FIRST_MS = 400;
const AGAIN_MS = 1_000;

export interface WaitingOptions {
  readonly quiet?: boolean | undefined;
}

export async function whileWaiting<T>(
  text: string,
  { quiet = false }: WaitingOptions,
  work: () => Promise<T>,
): Promise<T> {
  const live = new LiveLines(process.stderr);
  if (quiet || !live.isLive) return await work();
  const startMs = performance.now();
  const show = (): void => {
    const seconds = Math.round((performance.now() - startMs) / 1000);
    live.show([pc.dim(`… ${text}${seconds > 0 ? ` (${seconds} s)` : ''}`)]);
  };
  const first = setTimeout(show, FIRST_MS);
  const timer = setInterval(show, AGAIN_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(timer);
    live.clear();
  }
}

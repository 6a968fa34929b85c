/** @file Finds the chain of the network kept in a folder: the port its last `alice up` wrote down. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `undefined` when no network ran in that folder. */
export function chainUrlOf(dir: string): string | undefined {
  try {
    const running = JSON.parse(readFileSync(join(dir, 'running.json'), 'utf8')) as { nodePort?: unknown };
    return typeof running.nodePort === 'number' ? `http://127.0.0.1:${running.nodePort}` : undefined;
  } catch {
    return undefined;
  }
}

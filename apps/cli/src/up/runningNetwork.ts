/**
 * @file `running.json` of a network's folder: where its processes listen and which they are, noted by `alice up` for other
 * commands and for its own next start. A note that is missing, cut off or of another shape says nothing.
 */
import { readFileSync } from 'node:fs';
import { networkPaths } from './networkPlan.js';

export interface RunningNetwork {
  readonly serverPort?: number | undefined;
  readonly nodePort?: number | undefined;
  /** How an address of this machine is written before the port. */
  readonly host: string;
  readonly pids: Readonly<Record<string, number>>;
}

export const LOOPBACK = '127.0.0.1';

export function readRunning(dir: string): RunningNetwork {
  const note = parsed(networkPaths(dir).runtime);
  const pids = Object.entries(typeof note['pids'] === 'object' ? (note['pids'] ?? {}) : {});
  return {
    serverPort: portOf(note['serverPort']),
    nodePort: portOf(note['nodePort']),
    host: typeof note['host'] === 'string' ? note['host'] : LOOPBACK,
    pids: Object.fromEntries(pids.filter(([, pid]) => Number.isInteger(pid) && pid > 0)),
  };
}

/** Undefined when no network ran in that folder. */
export function serverUrlOf(dir: string): string | undefined {
  const { serverPort, host } = readRunning(dir);
  return serverPort === undefined ? undefined : `http://${host}:${serverPort}`;
}

/** Undefined when no network ran in that folder. */
export function chainUrlOf(dir: string): string | undefined {
  const { nodePort, host } = readRunning(dir);
  return nodePort === undefined ? undefined : `http://${host}:${nodePort}`;
}

function parsed(path: string): Readonly<Record<string, unknown>> {
  try {
    const note: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof note === 'object' && note !== null ? (note as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const portOf = (value: unknown): number | undefined =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65_535
    ? (value as number)
    : undefined;

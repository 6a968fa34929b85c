/**
 * @file What a `ComputeProgram` knows at its start, on its own side: the device, its settings, and the port to whoever
 * started it. In a process of its own it lives and ends as its starter says, not by the signals of a terminal. It steps
 * back for whatever else the machine does: it computes for minutes, and others are waited for.
 */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type MessagePortLike, portOfThread } from '@alice/protocol';
import type { DeviceName } from './device.js';

/** Plain data. */
export interface Told<Settings> {
  readonly device: DeviceName;
  readonly settings: Settings;
}

export interface ServedDevice<Settings> extends Told<Settings> {
  readonly port: MessagePortLike;
}

/** To be called once, by the program's own file. */
export function servedDevice<Settings = undefined>(): ServedDevice<Settings> {
  stepBack();
  if (parentPort !== null) return { ...(workerData as Told<Settings>), port: portOfThread(parentPort) };
  if (process.send === undefined)
    throw new Error('this program is started by a ComputeProgram, never on its own');
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('disconnect', () => process.exit());
  const port: MessagePortLike = {
    post: (message) => process.send?.(message),
    onMessage: (listener) => process.on('message', listener),
  };
  return { ...(JSON.parse(process.argv[2] ?? '') as Told<Settings>), port };
}

/** Linux gives each thread its own priority, and those it starts inherit it; elsewhere a process has one for all. */
function stepBack(): void {
  if (parentPort !== null && process.platform !== 'linux') return;
  const { PRIORITY_BELOW_NORMAL } = constants.priority;
  if (getPriority() < PRIORITY_BELOW_NORMAL) setPriority(PRIORITY_BELOW_NORMAL);
}

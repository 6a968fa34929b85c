/**
 * @file What a `ComputeProgram` knows at its start, on its own side: the device, its settings, and the port to whoever
 * started it. In a process of its own it lives and ends as its starter says, not by the signals of a terminal.
 */
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

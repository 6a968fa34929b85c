/** @file What this computer tells the server about itself: shown to people, never priced (SPEC TASK-2). */
import { cpus, totalmem } from 'node:os';
import type { Device } from '@alice/protocol';

export function deviceInfo(threads: number): Device {
  const name = (cpus()[0]?.model ?? process.arch).trim().slice(0, 80);
  const software = `alice node ${process.version} ${process.platform}`.slice(0, 80);
  return { kind: 'cpu', name, threads, memoryBytes: totalmem(), software };
}

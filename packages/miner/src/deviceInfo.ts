/** @file What this computer tells the server about itself: shown to people, never priced (SPEC TASK-2). */
import { cpus, totalmem } from 'node:os';
import type { DeviceName, DeviceReport } from '@alice/engine/node';
import type { Device } from '@alice/protocol';

/** The protocol names what a person recognises, not the library it is reached through. */
const KINDS: Readonly<Record<DeviceName, Device['kind']>> = {
  cpu: 'cpu',
  cuda: 'cuda',
  webgpu: 'webgpu',
  dml: 'webgpu',
  coreml: 'metal',
};

/** `chosen`: the device that computes; the processor unless given. */
export function deviceInfo(threads: number, chosen?: DeviceReport): Device {
  const processor = (cpus()[0]?.model ?? process.arch).trim();
  return {
    kind: KINDS[chosen?.device ?? 'cpu'],
    name: (chosen?.name || processor).slice(0, 80),
    ...{ threads, memoryBytes: Math.round(chosen?.memoryBytes ?? totalmem()) },
    software: `alice node ${process.version} ${process.platform}`.slice(0, 80),
  };
}

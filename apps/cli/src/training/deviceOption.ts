/** @file `--device`: what a command computes on. The processor needs no trying; anything else is tried first, apart. */

import type { Platform } from '@alice/engine';
import type { DeviceName, DeviceReport } from '@alice/engine/node';
import type { Command } from 'commander';
import pc from 'picocolors';
import { choiceOption } from '../options.js';

const CHOICES = ['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'] as const;
export type DeviceChoice = (typeof CHOICES)[number];

export interface DeviceFlags {
  readonly device: DeviceChoice;
}

export function withDeviceOption(command: Command): Command {
  return command.option(
    '--device <name>',
    'what to compute on: cpu, cuda, webgpu, dml, coreml, or auto for the fastest that works ("alice devices" lists them)',
    choiceOption<DeviceChoice>('--device', CHOICES),
    'cpu' satisfies DeviceName,
  );
}

export interface PrecisionFlags {
  readonly precision: 'fp32' | 'fp16';
}

export function withPrecisionOption(command: Command): Command {
  return command.option(
    '--precision <name>',
    'of gradients: fp32, or fp16 for the matrix products of a device that is built for it',
    choiceOption<'fp32' | 'fp16'>('--precision', ['fp32', 'fp16']),
    'fp32',
  );
}

/**
 * The device asked for, tried in a process of its own; `undefined` for the processor, which is what everything runs on
 * unless told otherwise. Throws `DEVICE_UNAVAILABLE`.
 */
export async function openDevice({ device }: DeviceFlags): Promise<DeviceReport | undefined> {
  if (device === 'cpu') return undefined;
  const { chooseDevice } = await import('@alice/engine/node');
  return await chooseDevice(device);
}

/** As in "webgpu (NVIDIA H200)". */
function deviceText({ device, name }: DeviceReport): string {
  return name === '' ? device : `${device} (${name})`;
}

export interface Computing {
  readonly device: DeviceName;
  /** Where graphs run; `undefined` for the processor that was asked for. */
  readonly platform: Platform | undefined;
}

/** The device asked for, opened. What `auto` took is told on the standard error. Throws `DEVICE_UNAVAILABLE`. */
export async function openComputing(flags: DeviceFlags): Promise<Computing> {
  const chosen = await openDevice(flags);
  if (!chosen) return { device: 'cpu', platform: undefined };
  if (flags.device === 'auto') process.stderr.write(pc.dim(`  computing on ${deviceText(chosen)}\n`));
  const { nodePlatformOn } = await import('@alice/engine/node');
  return { device: chosen.device, platform: nodePlatformOn(chosen.device) };
}

/** Where graphs run on the device asked for; `undefined` for the processor. Throws `DEVICE_UNAVAILABLE`. */
export async function openPlatform(flags: DeviceFlags): Promise<Platform | undefined> {
  return (await openComputing(flags)).platform;
}

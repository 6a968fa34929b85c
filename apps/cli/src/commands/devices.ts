/** @file `alice devices`: what this machine can compute on, tried one by one. */
import { DEVICES, type DeviceReport, detectDevices } from '@alice/engine/node';
import { Command } from 'commander';
import pc from 'picocolors';
import { whileWaiting } from '../terminal/whileWaiting.js';

export function devicesCommand(): Command {
  return new Command('devices')
    .description('try every device of this machine: does it compute correctly, how fast, how much memory')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Each device is tried in a process of its own, so a driver that crashes shows here and harms nothing.
The rate is that of an FP32 matrix product, the larger part of training; "--device auto" takes the highest.

Example:
  alice devices
  alice miner --device auto`,
    )
    .action(async (flags: { json?: boolean }) => {
      const reports: DeviceReport[] = [];
      for (const device of DEVICES) {
        const [report] = await whileWaiting(`trying ${device}`, { quiet: flags.json }, () =>
          detectDevices({ devices: [device] }),
        );
        reports.push(report!);
        if (!flags.json) process.stdout.write(deviceLine(report!));
      }
      if (flags.json) process.stdout.write(`${JSON.stringify({ devices: reports })}\n`);
    });
}

/** A device as a person reads it: rate and memory, or what is wrong and what mends it. */
export function deviceLine(report: DeviceReport): string {
  const { device, state, name, gflops, reason, remedy } = report;
  if (state === 'ready') {
    const rate = `${gflops!.toFixed(1).padStart(9)} GFLOP/s`;
    return `${pc.green('✓')} ${device.padEnd(7)} ${rate}  ${`${memoryOf(report)}  ${name}`.trim()}\n`;
  }
  const mark = state === 'broken' ? pc.red('✗') : pc.dim('–');
  return `${mark} ${device.padEnd(7)} ${state === 'broken' ? pc.red(reason) : pc.dim(reason)}\n${pc.dim(`          ${remedy}`)}\n`;
}

function memoryOf({ memoryBytes, freeMemoryBytes }: DeviceReport): string {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  if (memoryBytes === undefined) return 'memory unknown: its driver does not tell';
  return freeMemoryBytes === undefined
    ? `${gib(memoryBytes)} GiB`
    : `${gib(freeMemoryBytes)} of ${gib(memoryBytes)} GiB free`;
}

/**
 * @file Whether this computer runs on its battery, as its system tells: files on Linux, a program on macOS and Windows. A
 * computer that has none, or does not say, is not on battery.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SUPPLIES = '/sys/class/power_supply';

export async function isOnBattery(platform: NodeJS.Platform = process.platform): Promise<boolean> {
  try {
    if (platform === 'linux') return await linuxOnBattery(SUPPLIES);
    if (platform === 'darwin') return (await run('pmset', ['-g', 'batt'])).stdout.includes("'Battery Power'");
    if (platform === 'win32') {
      const { stdout } = await run('powershell', ['-NoProfile', '-Command', WINDOWS_STATUS]);
      return stdout.trim() === '1';
    }
  } catch {
    // Nothing to ask: a machine without a battery, or a system that does not tell.
  }
  return false;
}

/** 1: discharging. */
const WINDOWS_STATUS = '(Get-CimInstance Win32_Battery | Select-Object -First 1).BatteryStatus';

/** A battery of the system that is discharging; those of mice and keyboards say `scope` Device. */
export async function linuxOnBattery(folder: string): Promise<boolean> {
  const fileOf = (supply: string, name: string): Promise<string> =>
    readFile(join(folder, supply, name), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  for (const supply of await readdir(folder)) {
    if ((await fileOf(supply, 'type')) !== 'Battery' || (await fileOf(supply, 'scope')) === 'Device')
      continue;
    if ((await fileOf(supply, 'status')) === 'Discharging') return true;
  }
  return false;
}

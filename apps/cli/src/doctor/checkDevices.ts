/** @file What this machine can compute on, for `alice doctor`: each device tried in a process of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type DeviceReport, detectDevices } from '@alice/engine/node';
import type { Finding } from './checks.js';

const SMI_TIMEOUT_MS = 5000;

export async function checkDevices(): Promise<Finding> {
  return deviceFinding(await detectDevices(), await hasNvidiaCard());
}

/** A missing device is no fault, unless the card is there and only its libraries are not. */
export function deviceFinding(reports: readonly DeviceReport[], hasCard: boolean): Finding {
  const ready = reports.filter(({ state }) => state === 'ready');
  const found = ready.map(({ device, name, gflops }) => `${device} ${gflops!.toFixed(0)} GFLOP/s (${name})`);
  const broken = reports.filter(({ state }) => state === 'broken');
  const cuda = reports.find(({ device }) => device === 'cuda');
  const lacks = hasCard && cuda?.state === 'absent' ? [cuda] : [];
  const trouble = [...broken, ...lacks].map(({ device, reason, remedy }) => ({
    reason: `${device}: ${reason}`,
    remedy: `${device} ${remedy}`,
  }));
  return {
    name: 'devices',
    state: ready.length === 0 ? 'failure' : trouble.length > 0 ? 'warning' : 'ok',
    found: [...found, ...trouble.map(({ reason }) => reason)].join('; '),
    remedy: trouble.map(({ remedy }) => remedy).join('; '),
  };
}

async function hasNvidiaCard(): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['-L'], { timeout: SMI_TIMEOUT_MS });
    return stdout.trim() !== '';
  } catch {
    return false;
  }
}

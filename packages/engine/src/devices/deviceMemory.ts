/** @file What this machine's processors and graphics cards are called and how much memory they have. Node only. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { DeviceName } from './device.js';

export interface DeviceMemory {
  readonly name: string;
  readonly memoryBytes?: number;
  readonly freeMemoryBytes?: number;
}

const SMI_TIMEOUT_MS = 10_000;
const MIB = 2 ** 20;

/** Never throws: what nobody tells is left out. */
export async function deviceMemory(device: DeviceName): Promise<DeviceMemory> {
  if (device === 'cpu') return processorMemory();
  const card = (await nvidiaCards())[0] ?? (await drmCards())[0];
  if (card) return card;
  // Apple's graphics share the machine's memory.
  return process.platform === 'darwin' ? processorMemory() : { name: '' };
}

/** A container's limit counts where it is below the machine's memory. */
function processorMemory(): DeviceMemory {
  const limit = process.constrainedMemory?.() ?? 0;
  const memoryBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    name: cpus()[0]?.model.trim() || process.arch,
    memoryBytes,
    freeMemoryBytes: Math.min(freemem(), memoryBytes),
  };
}

async function nvidiaCards(): Promise<DeviceMemory[]> {
  const query = ['--query-gpu=name,memory.total,memory.free', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: SMI_TIMEOUT_MS });
    return parseNvidiaCards(stdout);
  } catch {
    return []; // no such program: no such card
  }
}

/** Lines such as "NVIDIA H200, 143771, 143100": name, and MiB in all and free. */
export function parseNvidiaCards(text: string): DeviceMemory[] {
  return text
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 3 && cells[0] !== '')
    .map(([name, total, free]) => ({ name: name!, ...bytesIn(Number(total), Number(free)) }));
}

function bytesIn(totalMib: number, freeMib: number): Pick<DeviceMemory, 'memoryBytes' | 'freeMemoryBytes'> {
  return {
    ...(Number.isFinite(totalMib) && { memoryBytes: totalMib * MIB }),
    ...(Number.isFinite(freeMib) && { freeMemoryBytes: freeMib * MIB }),
  };
}

/** Cards whose Linux driver (AMD's, for one) publishes its memory in /sys. */
async function drmCards(folder = '/sys/class/drm'): Promise<DeviceMemory[]> {
  const cards: DeviceMemory[] = [];
  for (const card of await readdir(folder).catch(() => [])) {
    if (!/^card\d+$/.test(card)) continue;
    const numberIn = async (file: string): Promise<number> =>
      Number(await readFile(`${folder}/${card}/device/${file}`, 'utf8').catch(() => 'none'));
    const [total, used] = [await numberIn('mem_info_vram_total'), await numberIn('mem_info_vram_used')];
    if (total > 0) cards.push({ name: card, ...bytesIn(total / MIB, (total - used) / MIB) });
  }
  return cards;
}

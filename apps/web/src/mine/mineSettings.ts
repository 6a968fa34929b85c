/** @file What a person has chosen on the mine page, kept in `localStorage`. Anything unreadable there counts as unset. */
import type { DeviceChoice } from '@alice/miner/browser';

export interface MineSettings {
  readonly device: DeviceChoice;
  readonly threads: number;
  /** A wallet's address, or '' for the mining key's own. */
  readonly payTo: string;
  readonly pauseWhenHidden: boolean;
  readonly pauseOnBattery: boolean;
  /** Address of the mining key, once it was made; '' before. */
  readonly address: string;
}

const STORAGE_KEY = 'alice.mining';
const DEVICES: readonly DeviceChoice[] = ['auto', 'wasm', 'webgpu'];

/** Half the cores, so that the person can go on working. */
export function defaultSettings(cores: number): MineSettings {
  const threads = Math.max(1, Math.floor(cores / 2));
  return { device: 'auto', threads, payTo: '', pauseWhenHidden: false, pauseOnBattery: true, address: '' };
}

export function readSettings(store: Pick<Storage, 'getItem'>, cores: number): MineSettings {
  const usual = defaultSettings(cores);
  let kept: Partial<Record<keyof MineSettings, unknown>> = {};
  try {
    kept = JSON.parse(store.getItem(STORAGE_KEY) ?? '{}') ?? {};
  } catch {
    return usual;
  }
  const { device, threads, payTo, pauseWhenHidden, pauseOnBattery, address } = kept;
  return {
    device: DEVICES.find((known) => known === device) ?? usual.device,
    threads: Number.isInteger(threads) ? Math.min(Math.max(threads as number, 1), cores) : usual.threads,
    payTo: typeof payTo === 'string' ? payTo : usual.payTo,
    pauseWhenHidden: typeof pauseWhenHidden === 'boolean' ? pauseWhenHidden : usual.pauseWhenHidden,
    pauseOnBattery: typeof pauseOnBattery === 'boolean' ? pauseOnBattery : usual.pauseOnBattery,
    address: typeof address === 'string' ? address : usual.address,
  };
}

/** A browser that keeps nothing only forgets the choice. */
export function writeSettings(store: Pick<Storage, 'setItem'>, settings: MineSettings): void {
  try {
    store.setItem(STORAGE_KEY, JSON.stringify(settings));
  } catch {
    // full or forbidden
  }
}

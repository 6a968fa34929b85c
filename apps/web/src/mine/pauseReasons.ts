/** @file Watches what may pause mining: the tab being hidden, the computer running on battery. */
import type { BrowserMiner } from './BrowserMiner.js';

export interface Wishes {
  readonly pauseWhenHidden: boolean;
  readonly pauseOnBattery: boolean;
}

interface Battery extends EventTarget {
  readonly charging: boolean;
}

/** Only some browsers tell. */
export const canTellBattery = (): boolean => 'getBattery' in navigator;

/** Keeps the miner's reasons to pause as the person wishes; returns how to change the wishes. */
export function watchPauseReasons(
  miner: Pick<BrowserMiner, 'pause'>,
  wishes: Wishes,
): (wishes: Wishes) => void {
  let now = wishes;
  let battery: Battery | undefined;
  const look = (): void => {
    miner.pause('hidden', now.pauseWhenHidden && document.visibilityState === 'hidden');
    miner.pause('battery', now.pauseOnBattery && battery?.charging === false);
  };
  document.addEventListener('visibilitychange', look);
  if (canTellBattery())
    void (navigator as unknown as { getBattery(): Promise<Battery> }).getBattery().then(
      (found) => {
        battery = found;
        battery.addEventListener('chargingchange', look);
        look();
      },
      () => undefined, // not allowed here: then there is nothing to watch
    );
  look();
  return (changed) => {
    now = changed;
    look();
  };
}

/** @file The page's one miner, its settings, and the sign in the navigation that it is at work. */
import { BrowserMiner } from './BrowserMiner.js';
import { type MineSettings, readSettings, writeSettings } from './mineSettings.js';
import { watchPauseReasons } from './pauseReasons.js';

export const cores = Math.max(1, navigator.hardwareConcurrency || 1);

export const theMiner = new BrowserMiner({
  openWorker: () => new Worker(new URL('mine-worker.js', document.baseURI), { type: 'module' }),
  nowMs: () => Date.now(),
});

let settings = readSettings(storage(), cores);
const changeWishes = watchPauseReasons(theMiner, settings);

export const currentSettings = (): MineSettings => settings;

export function changeSettings(change: Partial<MineSettings>): void {
  settings = { ...settings, ...change };
  writeSettings(storage(), settings);
  changeWishes(settings);
}

theMiner.onChange(({ phase, pausedBy }) => {
  const link = document.querySelector('#pages a[href="#/mine"]');
  const isBusy = phase !== 'off';
  link?.classList.toggle('busy', isBusy);
  if (isBusy) link?.setAttribute('aria-label', pausedBy.length > 0 ? 'Mine, paused' : 'Mine, running');
  else link?.removeAttribute('aria-label');
});

/** Some browsers forbid storage altogether; then choices last as long as the page. */
function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  try {
    return window.localStorage;
  } catch {
    return { getItem: () => null, setItem: () => undefined };
  }
}

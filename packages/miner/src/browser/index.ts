/** @file The miner for a browser's web worker. Imports nothing of Node. */
export type { WebDevice } from '@alice/engine';
export type { MinerPorts } from '../assembleMiner.js';
export type { MinerEvent, SyncWay } from '../events.js';
export type { ChosenDevice, DeviceChoice } from './chooseDevice.js';
export { Gate } from './Gate.js';
export { type BrowserMinerOptions, type BrowserMinerPorts, runBrowserMiner } from './runBrowserMiner.js';

/** @file The miner: takes tasks, trains on them, sends compressed deltas, and keeps what it has not sent yet. */
export type { MinerPorts } from './assembleMiner.js';
export { type DirLock, type LockOptions, type LockOwner, lockFolder } from './dirLock.js';
export { MinerError, type MinerErrorInfo } from './errors.js';
export type { MinerEvent, SyncWay } from './events.js';
export { type MinerOptions, runMiner } from './runMiner.js';

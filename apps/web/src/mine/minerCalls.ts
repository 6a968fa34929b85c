/** @file What the page and the mining worker say to each other. Types only; everything crosses a message port. */
import type { ChosenDevice, DeviceChoice, MinerEvent } from '@alice/miner/browser';

export interface MiningRequest {
  /** Address of the parameter server: the one this page came from. */
  readonly serverUrl: string;
  /** Where rewards go; the worker's own key when absent. */
  readonly rewardAddress?: string | undefined;
  readonly device: DeviceChoice;
  readonly threads: number;
  readonly deviceName: string;
  readonly memoryBytes: number;
}

export type DeviceReport = Omit<ChosenDevice, 'platform'>;

/** Calls the worker answers. */
export interface MinerCalls {
  /** Address of this browser's mining key, which is made at the first call. */
  address(argument: undefined): Promise<string>;
  /** The recovery phrase of that key, to be shown to its owner. */
  phrase(argument: undefined): Promise<string>;
  /** Answers when mining has ended; fails with what waiting cannot cure. */
  mine(request: MiningRequest): Promise<void>;
  pause(argument: undefined): Promise<void>;
  resume(argument: undefined): Promise<void>;
  /** Ends mining after the step it is in. */
  stop(argument: undefined): Promise<void>;
}

/** Calls the page answers. */
export interface PageCalls {
  event(event: MinerEvent): void;
  device(report: DeviceReport): void;
}

/** @file The part of the parameter server's client that the miner's state machine calls; tests play it. */
import type { ServerClient } from '@alice/protocol';

export type MinerServer = Pick<
  ServerClient,
  'register' | 'latestVersion' | 'version' | 'nextTask' | 'submit' | 'submission'
>;

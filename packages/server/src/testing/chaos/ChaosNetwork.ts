/**
 * @file What every network of the chaos test has, however it is made up: processes that can be killed, faults of its own, and
 * a way to look at its state. `manyNodes.ts`, `oneMachine.ts` and `twoRegions.ts` make them.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Queryable } from '../../database/Database.js';
import { createWaiters } from '../../waiters.js';
import { FakeChain } from '../FakeChain.js';
import type { OutcomeSummary } from './checkOutcome.js';
import type { Disturbance } from './disturbances.js';
import type { NodeRole } from './nodeRole.js';
import { serveChain } from './remoteChain.js';
import { type Supervised, type SuperviseOptions, supervise } from './supervise.js';

export interface ChaosNetwork {
  /** What the processes wrote to stderr, a file each. */
  readonly logs: string;
  readonly chain: FakeChain;
  /** What can be killed. */
  readonly processes: readonly Supervised[];
  readonly faults: readonly Disturbance[];
  /** Where each server with a state of its own is reached. */
  urls(): readonly string[];
  /** How long it works between two looks. */
  readonly restMs: number;
  /** Reads the state of the server, or of each server that has one of its own; it may be down meanwhile. */
  look<T>(read: (databases: readonly Queryable[]) => Promise<T>): Promise<T>;
  /** Resolves at the next submission that is acknowledged, or after `timeoutMs`. */
  acknowledgement(timeoutMs: number): Promise<void>;
  /** Throws the assertion that does not hold. */
  check(): Promise<OutcomeSummary>;
  stopMiners(): Promise<void>;
  remove(): Promise<void>;
}

const KEPT = 1_000_000;

/** Rounds of seconds, and nothing that is to be checked afterwards thrown away. */
export const CHAOS_SETTINGS = {
  round: { windowMs: 2_000, uploadMs: 1_500, maxRoundMs: 4_000, targetSubmissions: 4 },
  epochMs: 3_000,
  limits: { leaseMs: 4_000, jobAttempts: KEPT, submissionVersionsKept: KEPT },
} as const satisfies Partial<NodeRole>;

/** How to undo what was started. */
export type Undo = (() => unknown)[];

/** What is the same in every network: the chain, the folder of logs, starting processes, hearing acknowledgements. */
export async function chaosParts(undo: Undo, dir: string) {
  const chain = new FakeChain();
  const served = await serveChain(chain);
  undo.push(() => served.close());
  const logs = join(dir, 'logs');
  mkdirSync(logs);
  const heard = createWaiters();
  const start = (options: Omit<SuperviseOptions, 'logs'>): Supervised => {
    const started = supervise({ ...options, logs });
    undo.push(() => started.stop());
    return started;
  };
  return {
    ...{ chain, chainUrl: served.url, logs, start },
    scorers: (url: string, name = 'scorer'): Supervised[] =>
      ['one', 'two'].map((instance) =>
        start({ name: `${name}-${instance}`, script: './scorerRole.js', settings: { url, instance } }),
      ),
    /** Each id that was acknowledged goes into `acknowledged`. */
    miners: (name: string, settings: { url: string; miners: number; wallet: string }) => {
      const acknowledged = new Set<string>();
      const onLine = (text: string): void => {
        acknowledged.add(text.replace('acknowledged ', ''));
        heard.wake();
      };
      return { acknowledged, process: start({ name, script: './minersRole.js', settings, onLine }) };
    },
    acknowledgement: async (timeoutMs: number) =>
      void (await heard.wait(timeoutMs, new AbortController().signal)),
  };
}

/** What is running now. */
const begun = new Set<Undo>();

/** Ends every network of this process wherever it is: for a signal. */
export async function removeChaosNetworks(): Promise<void> {
  for (const undo of begun) await undoAll(undo);
}

/** Starts a network; what a failing start has begun is undone. */
export async function startChaosNetwork(begin: (undo: Undo) => Promise<Omit<ChaosNetwork, 'remove'>>) {
  const undo: Undo = [];
  begun.add(undo);
  const remove = async (): Promise<void> => {
    await undoAll(undo);
    begun.delete(undo);
  };
  try {
    return { ...(await begin(undo)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** In reverse order; what fails does not keep the rest. */
async function undoAll(undo: Undo): Promise<void> {
  for (const step of undo.splice(0).reverse())
    try {
      await step();
    } catch {
      // what is left lies in the temporary folder of the system
    }
}

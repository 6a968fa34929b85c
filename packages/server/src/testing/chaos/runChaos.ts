/**
 * @file The chaos run: kills every process in turn, in an order and at moments drawn from a seed, and between the kills causes
 * the faults of its network: the database restarts, a store or disk fails or fills up, the network drops, the chain loses
 * answers. Then it lets everything come to rest and checks the outcome.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NetworkStatus, type Random, ServerClient, seededRandom } from '@alice/protocol';
import type { Queryable } from '../../database/Database.js';
import type { ChaosNetwork } from './ChaosNetwork.js';
import type { OutcomeSummary } from './checkOutcome.js';

export interface ChaosOptions {
  readonly kills: number;
  /** Draws order and moments; what the processes make of it is their own. */
  readonly seed: string;
  start(): Promise<ChaosNetwork>;
  say(line: string): void;
}

export interface ChaosSummary extends OutcomeSummary {
  readonly seconds: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Requests that a node could not answer with a code of its own: what it wrote about them. */
  readonly failures: readonly string[];
}

/** At least so much has to come of a run, or nothing was tested. */
const LEAST = { version: 3, epochs: 1, rounds: 1 };
const POLL_MS = 200;
const KILLS_A_FAULT = 3;
const LONGEST_PAUSE_MS = 600;
const LONGEST_WAIT_MS = 10_000;
/** A slow machine gets more done between two looks. */
const GROWTH = 1.25;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws the assertion that does not hold. */
export async function runChaos(options: ChaosOptions): Promise<ChaosSummary> {
  const started = performance.now();
  const network = await options.start();
  try {
    const counts = await disturb(network, options);
    options.say('all kills done; waiting for the network to come to rest');
    await waitFor(network, hasWorked);
    await network.stopMiners();
    Object.assign(network.chain, { mode: 'settle', isReachable: true });
    await comeToRest(network);
    const outcome = await network.check();
    const failures = failedRequests(network.logs);
    return { ...outcome, ...counts, failures, seconds: Math.round((performance.now() - started) / 1000) };
  } catch (error) {
    const kept = mkdtempSync(join(tmpdir(), 'alice-chaos-logs-'));
    cpSync(network.logs, kept, { recursive: true });
    options.say(`logs of the processes are in ${kept}`);
    throw error;
  } finally {
    await network.remove();
  }
}

async function disturb(
  network: ChaosNetwork,
  { kills, seed, say }: ChaosOptions,
): Promise<Pick<ChaosSummary, 'kills' | 'faults'>> {
  const random = seededRandom(`chaos ${seed}`);
  const victims = inTurn(network.processes, random);
  const faults = inTurn(network.faults, random);
  const killed: Record<string, number> = {};
  const caused: Record<string, number> = {};
  for (let n = 0; n < kills; n++) {
    const victim = victims();
    // One in five is struck while it starts.
    if (random.below(5) > 0) await victim.up();
    await pause(random.unit() * LONGEST_PAUSE_MS);
    victim.kill();
    killed[victim.name] = (killed[victim.name] ?? 0) + 1;
    if (n % KILLS_A_FAULT !== KILLS_A_FAULT - 1) continue;
    const fault = faults();
    await fault.cause();
    await network.acknowledgement(LONGEST_WAIT_MS); // kills in a row that nothing gets through test nothing
    caused[fault.name] = (caused[fault.name] ?? 0) + 1;
    say(`${n + 1} kills, last ${victim.name}; ${fault.name}`);
  }
  return { kills: killed, faults: caused };
}

/** One after another in a new random order each time around. */
function inTurn<T>(all: readonly T[], random: Random): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...all];
    return left.splice(random.below(left.length), 1)[0]!;
  };
}

/** Asked over HTTP, so that nothing need be stopped for it. */
async function waitFor(network: ChaosNetwork, isTrue: (status: NetworkStatus) => boolean): Promise<void> {
  const clients = network.urls().map((url) => new ServerClient({ url, attempts: 1 }));
  for (let met = 0; met < clients.length; ) {
    const status = await clients[met]!.status().catch(() => undefined);
    if (status && isTrue(status)) met++;
    else await pause(POLL_MS);
  }
}

const hasWorked = ({ versions, epochs, rounds }: NetworkStatus): boolean =>
  versions.at(-1)!.version >= LEAST.version &&
  rounds.applied >= LEAST.rounds &&
  epochs.length >= LEAST.epochs;
const isJudged = ({ submissions }: NetworkStatus): boolean => submissions.queued === 0;

/** Nothing to judge, to merge, to send up or to pay is left anywhere. */
async function isAtRest(databases: readonly Queryable[]): Promise<boolean> {
  for (const db of databases) {
    const [row] = await db.query<{ n: number }>(LEFT);
    if (row!.n > 0) return false;
  }
  return true;
}
const LEFT = `SELECT (SELECT COUNT(*) FROM submissions WHERE status = 'queued')
    + (SELECT COUNT(*) FROM submissions WHERE status = 'accepted' AND (stage <> 'merged' OR (epoch IS NULL AND score > 0
        AND NOT EXISTS (SELECT 1 FROM region_rounds))))
    + (SELECT COUNT(*) FROM jobs WHERE status <> 'done')
    + (SELECT COUNT(*) FROM region_rounds WHERE stage IN ('fixed', 'committed', 'sent'))
    + (SELECT COUNT(*) FROM epochs WHERE status <> 'settled') AS n`;

function failedRequests(logs: string): string[] {
  return readdirSync(logs)
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n'))
    .filter((line) => line.includes('"Request failed"'));
}

/** A look that fails is repeated: what is looked at may have been struck last. */
async function comeToRest(network: ChaosNetwork): Promise<void> {
  for (let restMs = network.restMs; ; restMs *= GROWTH) {
    await waitFor(network, isJudged);
    await pause(restMs);
    if (await network.look(isAtRest).catch(() => false)) return;
  }
}

/**
 * @file The chaos run: kills every role in turn, in an order and at moments drawn from a seed, and between the kills makes
 * the database restart, the object store fail or fill up, the network drop, and the chain lose answers. Then it lets
 * everything come to rest and checks the outcome.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, seededRandom } from '@alice/protocol';
import { type ChaosNetwork, startChaosNetwork } from './ChaosNetwork.js';
import { checkOutcome, type OutcomeSummary } from './checkOutcome.js';

export interface ChaosOptions {
  readonly kills: number;
  /** Draws order and moments; what the processes make of it is their own. */
  readonly seed: string;
  readonly programs: { readonly postgres: string; readonly s3: string };
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
const LEAST = { versions: 3, epochs: 1 };
const KILLS_A_FAULT = 3;
const LONGEST_PAUSE_MS = 600;
const FAULT_MS = 1_200;
const LONGEST_WAIT_MS = 10_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws the assertion that does not hold. */
export async function runChaos(options: ChaosOptions): Promise<ChaosSummary> {
  const started = performance.now();
  const network = await startChaosNetwork(options.programs);
  try {
    const counts = await disturb(network, options);
    options.say('all kills done; waiting for the network to come to rest');
    await atLeast(network);
    await network.stopMiners();
    await atRest(network);
    const outcome = await checkOutcome(network.outcome());
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
  const faults = inTurn(FAULTS, random);
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
    await fault.cause(network);
    await network.acknowledgement(LONGEST_WAIT_MS); // kills in a row that nothing gets through test nothing
    caused[fault.name] = (caused[fault.name] ?? 0) + 1;
    say(`${n + 1} kills, last ${victim.name}; ${fault.name}`);
  }
  return { kills: killed, faults: caused };
}

interface Disturbance {
  readonly name: string;
  cause(network: ChaosNetwork): Promise<void>;
}

const FAULTS: readonly Disturbance[] = [
  {
    name: 'database killed and started',
    async cause({ postgres }) {
      await postgres.kill();
      await postgres.start();
    },
  },
  {
    name: 'object store killed and started',
    async cause({ s3 }) {
      await s3.kill();
      await pause(FAULT_MS);
      await s3.start();
    },
  },
  { name: 'object store overloaded', cause: ({ store }) => during(store, 'overloaded') },
  { name: 'object store full', cause: ({ store }) => during(store, 'full') },
  { name: 'object store cut off', cause: ({ store }) => during(store, 'cut') },
  {
    name: 'connections broken',
    async cause({ line }) {
      line.breakConnections();
    },
  },
  { name: 'answers lost on the network', cause: ({ line }) => during(line, 'cut') },
  { name: 'answers of the chain lost', cause: ({ chain }) => chainDuring(chain, { mode: 'lose' }) },
  { name: 'reports to the chain lost', cause: ({ chain }) => chainDuring(chain, { mode: 'drop' }) },
  { name: 'chain away', cause: ({ chain }) => chainDuring(chain, { isReachable: false }) },
];

async function during(proxy: ChaosNetwork['line'], fault: ChaosNetwork['line']['fault']): Promise<void> {
  proxy.fault = fault;
  await pause(FAULT_MS);
  proxy.fault = 'none';
}

/** Settlement looks every two seconds, so this lasts longer; the run goes on meanwhile. */
async function chainDuring(
  chain: ChaosNetwork['chain'],
  change: Partial<Pick<ChaosNetwork['chain'], 'mode' | 'isReachable'>>,
): Promise<void> {
  Object.assign(chain, change);
  setTimeout(() => Object.assign(chain, { mode: 'settle', isReachable: true }), 4 * FAULT_MS).unref();
}

/** One after another in a new random order each time around. */
function inTurn<T>(all: readonly T[], random: Random): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...all];
    return left.splice(random.below(left.length), 1)[0]!;
  };
}

async function atLeast({ db }: ChaosNetwork): Promise<void> {
  await until(async () => {
    const [row] = await db.query<{ versions: number; epochs: number }>(
      `SELECT (SELECT MAX(version) FROM versions) AS versions,
         (SELECT COUNT(*) FROM epochs WHERE status = 'settled') AS epochs`,
    );
    return row!.versions >= LEAST.versions && row!.epochs >= LEAST.epochs;
  });
}

/** Nothing to judge, to merge or to pay is left. */
async function atRest({ db, chain }: ChaosNetwork): Promise<void> {
  Object.assign(chain, { mode: 'settle', isReachable: true });
  const left = `SELECT (SELECT COUNT(*) FROM submissions WHERE status = 'queued')
    + (SELECT COUNT(*) FROM submissions WHERE status = 'accepted' AND (stage <> 'merged' OR (epoch IS NULL AND score > 0)))
    + (SELECT COUNT(*) FROM jobs WHERE status <> 'done')
    + (SELECT COUNT(*) FROM epochs WHERE status <> 'settled') AS n`;
  await until(async () => (await db.query<{ n: number }>(left))[0]!.n === 0);
}

function failedRequests(logs: string): string[] {
  return readdirSync(logs)
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n'))
    .filter((line) => line.includes('"Request failed"'));
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue().catch(() => false))) await pause(200);
}

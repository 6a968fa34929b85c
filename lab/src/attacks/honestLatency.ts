/**
 * @file What an attack costs the others: how long an honest client waits for its answers while nothing else happens, and while
 * every attack runs at once, over and over.
 */
import { keyPairFromSecret, ServerClient } from '@alice/protocol';
import { type ProtocolAttack, protocolAttacks, type Target } from './protocolAttacks.js';

export interface HonestLatency {
  readonly quietP99Ms: number;
  readonly attackedP99Ms: number;
  /** Answers timed under attack, and times that every attack was begun. */
  readonly answers: number;
  readonly attacks: number;
}

const PROBES = 400;
const PROBE_EVERY_MS = 20;
/** What waits for a merged round is no load. */
const WAITS: ReadonlySet<string> = new Set(['nonce-replay', 'token-theft']);

export async function honestLatency(target: Target): Promise<HonestLatency> {
  const device = { kind: 'cpu', name: 'lab', threads: 1, memoryBytes: 1, software: 'lab' } as const;
  const member = { key: keyPairFromSecret('//honest-probe'), instance: 'a', role: 'miner', device } as const;
  const client = new ServerClient({ url: target.url, member });
  await client.register();
  await answerTimes(client); // what is asked first takes longer
  const quiet = await answerTimes(client);
  const ended = new AbortController();
  let attacks = 0;
  const attacking = protocolAttacks
    .filter(({ name }) => !WAITS.has(name))
    .map(async (attack: ProtocolAttack) => {
      for (; !ended.signal.aborted; attacks++) await attack.run(target).catch(() => undefined); // refused, as it should be
    });
  const attacked = await answerTimes(client);
  ended.abort();
  await Promise.all(attacking);
  return {
    ...{ quietP99Ms: percentile(quiet, 0.99), attackedP99Ms: percentile(attacked, 0.99) },
    ...{ answers: attacked.length, attacks },
  };
}

/** Of requests with a token check, a query and an answer of some size, one after another. */
async function answerTimes(client: ServerClient): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < PROBES; i++) {
    const askedMs = performance.now();
    await client.call(i % 2 === 0 ? 'shards' : 'latestVersion');
    times.push(performance.now() - askedMs);
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  return times.sort((a, b) => a - b);
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;

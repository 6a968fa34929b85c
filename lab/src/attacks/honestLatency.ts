/**
 * @file What attacks cost the others: how long an honest client waits for its answers while nothing else happens, and while
 * every attack runs at once, over and over. Client and attackers are processes of their own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Target } from './protocolAttacks.js';

export interface HonestLatency {
  readonly quietP99Ms: number;
  readonly attackedP99Ms: number;
  /** Answers timed under attack, and attacks begun meanwhile. */
  readonly answers: number;
  readonly attacks: number;
}

const PROBES = 1000;
/** Fewer attacks than these say nothing; a machine that is too busy to begin them is given so many times the answers. */
export const LEAST_ATTACKS = 100;
const MOST_TRIES = 8;

/** `attack`: this one alone. */
export async function honestLatency({ url, honestAddress }: Target, attack?: string): Promise<HonestLatency> {
  const client = program('answerTimes', [url]);
  let attackers: ChildProcess | undefined;
  try {
    await answerTimes(client); // what is asked first takes longer
    const quiet = await answerTimes(client);
    attackers = program('attackAll', [url, honestAddress, ...(attack ? [attack] : [])]);
    await told(attackers);
    const attacked: number[] = [];
    let attacks = 0;
    for (let tries = 0; tries < MOST_TRIES && attacks < LEAST_ATTACKS; tries++) {
      attacked.push(...(await answerTimes(client)));
      attacks = Number(await told(attackers, 'how many'));
    }
    return {
      ...{ quietP99Ms: percentile(quiet, 0.99), attackedP99Ms: percentile(attacked, 0.99) },
      ...{ answers: attacked.length, attacks },
    };
  } finally {
    attackers?.kill();
    client.kill();
  }
}

const program = (name: string, args: readonly string[]): ChildProcess =>
  fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), args);

async function answerTimes(client: ChildProcess): Promise<number[]> {
  return (await told(client, PROBES)) as number[];
}

/** The next message of the process, after it was sent one. */
async function told(child: ChildProcess, message?: string | number): Promise<unknown> {
  const next = Promise.race([once(child, 'message'), once(child, 'exit').then(() => undefined)]);
  if (message !== undefined) child.send(message);
  const answer = await next;
  if (!answer) throw new Error(`the process ended with ${child.exitCode ?? child.signalCode}`);
  return answer[0];
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/**
 * @file Protocol attacks on a real server in a process of its own, with two honest miners that train beside them: with which
 * codes each was refused, whether the honest went on being served and paid, and what the attackers earned.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMiner } from '@alice/miner';
import { modelLayout } from '@alice/model';
import {
  initCrypto,
  keyPairFromSecret,
  messageOf,
  type NetworkStatus,
  ServerClient,
  silentLogger,
} from '@alice/protocol';
import { type HonestLatency, honestLatency, LEAST_ATTACKS } from '../attacks/honestLatency.js';
import { attackers, type ProtocolAttack, protocolAttacks, type Target } from '../attacks/protocolAttacks.js';
import { corpusDir } from '../network/Laboratory.js';
import { labModel } from '../network/settings.js';
import type { Experiment, Finding } from './Experiment.js';

const HONEST = ['//honest-a', '//honest-b'];
/** Accepted work that shows the network is up before the first attack. */
const READY_ACCEPTED = 4;
const PATIENCE_MS = 300_000;
const MOST_SLOWDOWN = 2;
const POLL_MS = 500;
const SERVER = fileURLToPath(
  new URL('../../../packages/server/dist/testing/attackedServer.js', import.meta.url),
);

interface Outcome {
  readonly attack: ProtocolAttack;
  readonly codes: readonly string[];
  /** Honest submissions accepted from its start until one more was. */
  readonly honestAccepted: number;
}

export const protocolAttacksExperiment: Experiment = {
  id: 'protocol-attacks',
  about: 'replays, malformed bodies, slow senders, stolen tokens and floods against a real server',
  arms: () => [],
  read: () => ({ table: [], assertions: [] }),
  async study(quick, say) {
    await initCrypto();
    const dir = mkdtempSync(join(tmpdir(), 'alice-lab-attacked-'));
    const server = fork(SERVER, [dir, await corpusDir(labModel.vocab)]);
    const ended = new AbortController();
    let miners: Promise<unknown> = Promise.resolve();
    try {
      const url = await addressOf(server);
      miners = Promise.all(HONEST.map((secret, i) => mineAt(url, { secret, dir: join(dir, `${i}`), ended })));
      const seen = watch(url, miners);
      await seen.accepted(READY_ACCEPTED);
      const outcomes: Outcome[] = [];
      for (const attack of protocolAttacks.filter(({ isSlow }) => !quick || !isSlow)) {
        const before = (await seen.status()).submissions.accepted;
        const codes = await attack.run(targetOf(url));
        const after = await seen.accepted(before + 1);
        outcomes.push({ attack, codes, honestAccepted: after.submissions.accepted - before });
        say(`${attack.name}: ${countsOf(codes)}`);
      }
      if (quick) return findingOf(outcomes, await seen.status());
      const latency = await honestLatency(targetOf(url));
      say(
        `honest p99: ${latency.quietP99Ms.toFixed(1)} ms, ${latency.attackedP99Ms.toFixed(1)} under attack`,
      );
      return findingOf(outcomes, await seen.status(), latency);
    } finally {
      ended.abort();
      await miners.catch(() => undefined);
      await stopped(server);
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

function targetOf(url: string): Target {
  return { url, layout: modelLayout(labModel), honestAddress: keyPairFromSecret(HONEST[0]!).address };
}

function addressOf(server: ReturnType<typeof fork>): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('message', ({ url }: { url: string }) => resolve(url));
    server.once('exit', (code) => reject(new Error(`the attacked server ended with ${code}`)));
  });
}

/** It ends when its parent lets go of it. */
function stopped(server: ReturnType<typeof fork>): Promise<unknown> {
  if (server.exitCode !== null) return Promise.resolve();
  const exit = once(server, 'exit');
  server.disconnect();
  return exit;
}

function mineAt(
  serverUrl: string,
  { secret, dir, ended }: { secret: string; dir: string; ended: AbortController },
): Promise<void> {
  return runMiner(
    { serverUrl, key: keyPairFromSecret(secret), instance: 'honest', threads: 1, dir },
    { log: silentLogger, signal: ended.signal, onEvent: () => undefined },
  );
}

/** Follows the server's status; a miner that fails ends the waiting. */
function watch(url: string, miners: Promise<unknown>) {
  const client = new ServerClient({ url });
  let failure: unknown;
  miners.catch((error) => {
    failure = error;
  });
  const status = (): Promise<NetworkStatus> => client.status();
  return {
    status,
    async accepted(least: number): Promise<NetworkStatus> {
      for (const startMs = performance.now(); ; ) {
        const now = await status();
        if (now.submissions.accepted >= least) return now;
        if (failure) throw new Error(`an honest miner stopped: ${messageOf(failure)}`);
        if (performance.now() - startMs > PATIENCE_MS)
          throw new Error(`honest miners were not served: ${JSON.stringify(now.submissions)}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}

function countsOf(codes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => (count > 1 ? `${code} ×${count}` : code)).join(', ');
}

function findingOf(
  outcomes: readonly Outcome[],
  { miners }: NetworkStatus,
  latency?: HonestLatency,
): Finding {
  const earned = (addresses: readonly string[]): number =>
    miners
      .filter(({ address }) => addresses.includes(address))
      .reduce((sum, { score }) => sum + Number(score), 0) / 1e9;
  const honest = earned(HONEST.map((secret) => keyPairFromSecret(secret).address));
  const hostile = earned(attackers());
  return {
    table: [
      ['attack', 'what was sent', 'answered', 'honest work accepted meanwhile'],
      ...outcomes.map(({ attack, codes, honestAccepted }) => [
        attack.name,
        attack.about,
        countsOf(codes),
        String(honestAccepted),
      ]),
    ],
    assertions: [
      {
        claim: 'the attackers earned nothing',
        holds: hostile === 0 && honest > 0,
        found: `${hostile.toFixed(4)} nats, the honest ${honest.toFixed(4)}`,
      },
      {
        claim: 'honest work was accepted during or right after every attack',
        holds: outcomes.every(({ honestAccepted }) => honestAccepted > 0),
        found: outcomes.map(({ honestAccepted }) => honestAccepted).join(', '),
      },
      ...(latency ? [latencyClaim(latency)] : []),
      ...outcomes.map(({ attack, codes }) => ({
        claim: `${attack.name} is refused`,
        holds: isRefused(attack.name, codes),
        found: countsOf(codes),
      })),
    ],
  };
}

function latencyClaim({ quietP99Ms, attackedP99Ms, answers, attacks }: HonestLatency) {
  const ratio = attackedP99Ms / quietP99Ms;
  return {
    claim: `while all attacks run at once, others wait ${MOST_SLOWDOWN} times as long at most (p99)`,
    holds: ratio <= MOST_SLOWDOWN && attacks >= LEAST_ATTACKS,
    found: `${quietP99Ms.toFixed(1)} ms before, ${attackedP99Ms.toFixed(1)} ms under attack (${ratio.toFixed(2)}x; ${answers} answers, ${attacks} attacks)`,
  };
}

/** A stolen token is as good as its holder until its owner ends it; of a flood some are served; all else is refused. */
function isRefused(name: string, codes: readonly string[]): boolean {
  if (name === 'token-theft') return codes.slice(1).every((code) => code.startsWith('TOKEN_'));
  if (name === 'registration-flood')
    return codes.filter((code) => code === 'RATE_LIMITED').length > codes.length / 2;
  if (name === 'slow-loris') return codes.every((code) => /^HTTP 40[08]$|^cut off$/.test(code));
  return codes.every((code) => code !== 'ok' && code !== 'accepted');
}

/**
 * @file A scorer of the chaos network as a process: the production loop with losses that are a function of the job alone,
 * so that whoever scores it, and however often it is begun, the verdict must be the same.
 */
import { writeSync } from 'node:fs';
import { initCrypto, keyPairFromSecret, type ScoringJob, ServerClient, sleep } from '@alice/protocol';
import { scoreJobs } from '../../scorer/ScorerLoop.js';
import { stderrLogger } from './stderrLogger.js';

const { url, instance } = JSON.parse(process.argv[2]!) as { url: string; instance: string };
/** Of 256: what share of deltas, and of candidates, does harm. */
const HARMFUL = { submission: 40, candidate: 25 };

await initCrypto();
const { signal } = new AbortController();
const device = { kind: 'cpu', name: 'chaos', threads: 1, memoryBytes: 1, software: 'chaos' } as const;
const server = new ServerClient({
  url,
  member: { key: keyPairFromSecret('//scorer'), instance, role: 'scorer', device },
  attempts: Number.POSITIVE_INFINITY,
  backoff: { firstMs: 100, longestMs: 1_000 },
});

function gainOf({ kind, blob }: ScoringJob): number {
  const harmful = kind === 'candidate' ? HARMFUL.candidate : HARMFUL.submission;
  return blob && Number.parseInt(blob.hash.slice(2, 4), 16) < harmful ? -0.05 : 0.05;
}

await scoreJobs({
  server,
  scorer: {
    open: async () => undefined,
    close: async () => undefined,
    async score(job) {
      const rows = (await server.batch(job.batchId)).length / 2 / job.rowLength;
      const lossesBefore = Array.from({ length: rows }, (_, row) => 5 + 0.1 * Math.sin(row));
      const gain = gainOf(job);
      return {
        lossesBefore,
        lossesAfter: lossesBefore.map((loss, row) => loss - gain * (1 + 0.1 * Math.cos(row))),
        elapsedMs: 1,
      };
    },
  },
  async connect() {
    const { networkId, serverId, model } = await server.network();
    await server.register();
    writeSync(1, 'up\n');
    return { networkId, serverId, model, threads: 1 };
  },
  emit: (event) => event.type === 'retrying' && stderrLogger.warn('retrying', event),
  serverNowMs: () => server.serverNowMs(),
  pause: (ms, until) => sleep(ms, until).catch(() => undefined),
  random: Math.random,
  signal,
});

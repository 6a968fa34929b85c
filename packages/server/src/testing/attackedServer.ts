/**
 * @file A whole server of a small model as a process of its own, to be attacked: `attackedServer.js <folder> <dataset>`.
 * Production code on a real socket with a scorer beside it; only the chain settles at once and rounds are short. Sends its
 * parent {url}.
 */
import { join } from 'node:path';
import { resolveModel } from '@alice/model';
import { initCrypto, keyPairFromSecret, silentLogger } from '@alice/protocol';
import { defaultTrainingSettings } from '@alice/training';
import { runScorer } from '../scorer/runScorer.js';
import { startServer } from '../startServer.js';
import { FakeChain } from './FakeChain.js';

const SEQUENCE = 64;
const VOCAB = 1024;

const [dir, dataDir] = process.argv.slice(2) as [string, string];
await initCrypto();
const scorerKey = keyPairFromSecret('//scorer');
const server = await startServer(
  {
    dir: join(dir, 'server'),
    dataDir,
    port: 0,
    serverKey: keyPairFromSecret('//server'),
    scorers: [scorerKey.address],
    model: resolveModel('nano', {
      ...{ layers: 2, width: 64, heads: 2, kvHeads: 1, ffn: 192 },
      ...{ context: SEQUENCE, vocab: VOCAB },
    }),
    tokenizerId: `gpt2-${VOCAB}`,
    seed: 'attacked',
    training: { ...defaultTrainingSettings, innerSteps: 4, sequenceLength: SEQUENCE },
    round: { windowMs: 4_000, uploadMs: 4_000, maxRoundMs: 12_000 },
    epochMs: 3_600_000,
    // Attackers are counted as if they came from another machine, and bodies must arrive sooner.
    limits: { registrationsPerLoopbackPerMinute: 60, requestTimeoutMs: 20_000 },
  },
  { log: silentLogger, chain: new FakeChain() },
);
const ended = new AbortController();
process.on('disconnect', () => process.exit(0));
process.send?.({ url: server.url });
await runScorer(
  { serverUrl: server.url, key: scorerKey, instance: 'attacked', threads: 1 },
  { log: silentLogger, signal: ended.signal },
);

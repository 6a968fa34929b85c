/**
 * @file A parameter server to be measured, as a process of its own with a chain that settles at once:
 * `loadServer.js <folder> <database URL or ''> <format>`. Sends its parent {url} when it listens and answers each message with its memory.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildDataset } from '@alice/data';
import { presets } from '@alice/model';
import { initCrypto, keyPairFromSecret, type Logger, seededRandom, silentLogger } from '@alice/protocol';
import { defaultTrainingSettings } from '@alice/training';
import { startServer } from '../startServer.js';
import { FakeChain } from './FakeChain.js';

const ROUND_MS = 600_000;
const DOCUMENTS = 240;
const WORDS = 1_500;

const [dir, databaseUrl, wire] = process.argv.slice(2) as [string, string?, string?];
await initCrypto();
const model = presets.tiny;
await buildShards();
const log: Logger = {
  ...silentLogger,
  warn: (message, facts) => process.stderr.write(`server warns: ${message} ${JSON.stringify(facts)}\n`),
  error: (message, facts) => process.stderr.write(`server fails: ${message} ${JSON.stringify(facts)}\n`),
};
const server = await startServer(
  {
    dir: join(dir, 'server'),
    dataDir: join(dir, 'data'),
    databaseUrl: databaseUrl || undefined,
    port: 0,
    serverKey: keyPairFromSecret('//server'),
    scorers: [keyPairFromSecret('//scorer').address],
    model,
    tokenizerId: 'load',
    seed: 'load',
    training: {
      ...defaultTrainingSettings,
      sequenceLength: 128,
      ...(wire === 'binary_v2' ? { wire: { wire } } : {}),
    },
    round: { windowMs: ROUND_MS, uploadMs: 60_000, maxRoundMs: ROUND_MS },
    epochMs: ROUND_MS,
    limits: {
      perLoopbackPerMinute: 1e9,
      perLoopbackMemberPerMinute: 1e9,
      registrationsPerLoopbackPerMinute: 1e9,
    },
  },
  { log, chain: new FakeChain() },
);
process.on('message', () => {
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ rss, heapUsed });
});
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
process.on('disconnect', () => process.exit(0));
process.send?.({ url: server.url });

async function buildShards(): Promise<void> {
  const source = join(dir, 'text');
  mkdirSync(source, { recursive: true });
  const random = seededRandom('load');
  const { writeFileSync } = await import('node:fs');
  for (let document = 0; document < DOCUMENTS; document++)
    writeFileSync(
      join(source, `${document}.txt`),
      Array.from({ length: WORDS }, () => `w${random.below(3_000)}`).join(' '),
    );
  const tokenizer = {
    id: 'load',
    vocab: 8_192,
    separator: 8_191,
    encode: (text: string) => Uint16Array.from(text.split(/\s+/), (word) => Number(word.slice(1)) % 8_000),
  };
  await buildDataset({ source, outDir: join(dir, 'data'), tokenizer, seed: 'load' });
}

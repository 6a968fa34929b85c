/**
 * @file A network whose model lies in files: two miners and a scorer work through it layer by layer, a third miner has it in
 * memory, all on one server that knows no difference. It learns, and whoever is killed goes on from its file.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type MinerEvent, runMiner } from '@alice/miner';
import { type ModelConfig, parameterCount } from '@alice/model';
import { initCrypto, keyPairFromSecret, messageOf, ServerClient, silentLogger } from '@alice/protocol';
import { type RunningServer, runScorer, startServer } from '@alice/server';
import { defaultTrainingSettings, layerwiseSettings } from '@alice/training';
import { startAlice, until } from '../testing/aliceProcess.js';
import { BYTES_VOCAB, buildWords, idleChain } from '../testing/wordServer.js';

const model: ModelConfig = {
  ...{
    name: 'layers',
    layers: 3,
    width: 64,
    heads: 4,
    kvHeads: 2,
    ffn: 128,
    context: 16,
    vocab: BYTES_VOCAB,
  },
  ...{ ropeTheta: 10_000, normEps: 1e-5 },
};
const root = mkdtempSync(join(tmpdir(), 'alice-layers-'));
const ended = new AbortController();
let server: RunningServer;
let scoring: Promise<void>;

before(async () => {
  await initCrypto();
  const dataDir = await buildWords(root, 'layers');
  const base = { ...defaultTrainingSettings, sequenceLength: 16 };
  const training = layerwiseSettings(base);
  server = await startServer(
    {
      ...{ dir: join(root, 'server'), dataDir, port: 0, seed: 'test' },
      ...{ tokenizerId: 'bytes', model, epochMs: 3_600_000 },
      serverKey: keyPairFromSecret('//server'),
      scorers: [keyPairFromSecret('//scorer').address],
      training: {
        ...training,
        schedule: { ...training.schedule, peak: 0.02, warmupSteps: 1 },
        density: 0.05,
      },
      round: { windowMs: 60_000, uploadMs: 30_000, maxRoundMs: 120_000 },
    },
    { log: silentLogger, chain: idleChain },
  );
  scoring = runScorer(
    {
      ...{ serverUrl: server.url, key: keyPairFromSecret('//scorer'), instance: 'a', threads: 1 },
      ...{ dir: join(root, 'scorer'), weights: 'disk' },
    },
    { log: silentLogger, signal: ended.signal },
  ).catch((error: unknown) => assert.ok(ended.signal.aborted, messageOf(error)));
});
after(async () => {
  ended.abort();
  await scoring;
  await server?.close();
  rmSync(root, { recursive: true, force: true });
});

async function mine(instance: string, maxTasks: number, weights: 'memory' | 'disk') {
  const events: MinerEvent[] = [];
  await runMiner(
    {
      ...{ serverUrl: server.url, key: keyPairFromSecret('//miner'), instance, threads: 1, maxTasks },
      ...{ dir: join(root, instance), weights },
    },
    { log: silentLogger, signal: ended.signal, onEvent: (event) => events.push(event) },
  );
  return events;
}

const typesOf = (events: readonly MinerEvent[]): string[] => events.map(({ type }) => type);
const sizeOf = (...path: string[]): number => statSync(join(root, ...path, 'weights.f16')).size;
const halvesBytes = 2 * parameterCount(model);
const status = () => new ServerClient({ url: server.url }).status();

test('it learns from weights in files and in memory alike, and only changes are fetched after a restart', async () => {
  const first = (await status()).versions.at(-1)!.heldOutLossNats;
  const crews = await Promise.all([
    mine('one', 4, 'disk'),
    mine('two', 4, 'disk'),
    mine('three', 4, 'memory'),
  ]);
  const { submissions, versions } = await status();
  for (const events of crews) {
    const judged = events.filter(({ type }) => type === 'accepted' || type === 'refused');
    assert.equal(judged.length, 4, typesOf(events).join());
  }
  assert.ok(submissions.accepted >= 9, JSON.stringify(submissions));
  assert.equal(sizeOf('one', 'weights'), halvesBytes);
  assert.equal(sizeOf('scorer', 'a', 'weights'), halvesBytes);
  const reached = versions.flatMap(({ heldOutLossNats }) => heldOutLossNats ?? []).at(-1)!;
  assert.ok(first === null || reached < first, `${first} to ${reached}`);
  assert.ok(reached < Math.log(BYTES_VOCAB) - 0.5, `it did not learn: ${reached}`);
  const again = await mine('one', 1, 'disk');
  const synced = again.filter((event) => event.type === 'synced').map(({ how }) => how);
  assert.ok(synced.length > 0 && !synced.includes('snapshot'), synced.join());
});

test('a miner that is killed again and again delivers, and fetches no snapshot twice', async () => {
  const dir = join(root, 'killed');
  const args = ['miner', '--server', server.url, '--dir', dir, '--threads', '1', '--weights', 'disk'];
  for (let kill = 0; kill < 4; kill++) {
    const run = startAlice([...args, '--log', 'json']);
    const word = ['Registered', 'up to date', 'Trained', 'Update sent'][kill]!;
    await until(word, { seconds: 120, run }, () => run.output().includes(word));
    run.process.kill('SIGKILL');
    await run.stop();
  }
  const last = startAlice([...args, '--log', 'json', '--tasks', '1']);
  try {
    await until('a verdict', { seconds: 120, run: last }, () =>
      /Update (accepted|refused)/.test(last.output()),
    );
    assert.ok(!last.output().includes('"how":"snapshot"'), last.output());
  } finally {
    await last.stop();
  }
});

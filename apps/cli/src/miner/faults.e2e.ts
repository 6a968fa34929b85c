/**
 * @file Two devices of one address against a real parameter server, through a proxy that cuts, loses and refuses, and through
 * a restart of the server: every task that was trained is on the server exactly once, and nothing has to be said twice.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type MinerEvent, runMiner } from '@alice/miner';
import type { ModelConfig } from '@alice/model';
import {
  initCrypto,
  keyPairFromSecret,
  messageOf,
  PROTOCOL,
  ServerClient,
  silentLogger,
} from '@alice/protocol';
import { type RunningServer, runScorer, type ServerOptions, startServer } from '@alice/server';
import { defaultTrainingSettings } from '@alice/training';
import { startAlice, until } from '../testing/aliceProcess.js';
import { type Fault, FaultyProxy } from '../testing/FaultyProxy.js';
import { BYTES_VOCAB, buildWords, idleChain } from '../testing/wordServer.js';

const model: ModelConfig = {
  ...{ name: 'faults', layers: 1, width: 32, heads: 2, kvHeads: 1, ffn: 64, context: 16, vocab: BYTES_VOCAB },
  ...{ ropeTheta: 10_000, normEps: 1e-5 },
};
const root = mkdtempSync(join(tmpdir(), 'alice-faults-'));
const ended = new AbortController();
let options: ServerOptions;
let server: RunningServer;
let proxy: FaultyProxy;
let scoring: Promise<void>;

/** How far the server's clock is ahead of the miners'. */
let aheadMs = 0;
const start = (changes: Partial<ServerOptions> = {}): Promise<RunningServer> =>
  startServer(
    { ...options, ...changes },
    { log: silentLogger, chain: idleChain, clock: () => Date.now() + aheadMs },
  );

before(async () => {
  await initCrypto();
  const dataDir = await buildWords(root, 'faults');
  options = {
    ...{
      dir: join(root, 'server'),
      dataDir,
      port: 0,
      seed: 'test',
      tokenizerId: 'bytes',
    },
    serverKey: keyPairFromSecret('//server'),
    scorers: [keyPairFromSecret('//scorer').address],
    model,
    training: {
      ...defaultTrainingSettings,
      ...{ innerSteps: 4, rowsPerStep: 2, sequenceLength: 16 },
      schedule: { ...defaultTrainingSettings.schedule, peak: 1e-2, warmupSteps: 1 },
    },
    round: { windowMs: 60_000, uploadMs: 30_000, maxRoundMs: 120_000 },
    epochMs: 3_600_000,
    limits: { tokenTtlMs: 10_000 },
  };
  server = await start();
  proxy = await FaultyProxy.start(() => server.url);
  scoring = runScorer(
    { serverUrl: proxy.url, key: keyPairFromSecret('//scorer'), instance: 'a', threads: 1 },
    { log: silentLogger, signal: ended.signal },
  ).catch((error: unknown) => assert.ok(ended.signal.aborted, messageOf(error)));
});
after(async () => {
  ended.abort();
  await scoring;
  proxy?.close();
  await server?.close();
  rmSync(root, { recursive: true, force: true });
});

/** Mines so many tasks; returns what it said. */
async function mine(
  instance: string,
  maxTasks: number,
  onEvent: (event: MinerEvent) => void = () => undefined,
) {
  const events: MinerEvent[] = [];
  await runMiner(
    {
      ...{ serverUrl: proxy.url, key: keyPairFromSecret('//miner'), instance, threads: 1, maxTasks },
      dir: join(root, instance),
    },
    {
      log: silentLogger,
      signal: ended.signal,
      onEvent: (event) => {
        events.push(event);
        onEvent(event);
      },
    },
  );
  return events;
}

const of = <T extends MinerEvent['type']>(events: readonly MinerEvent[], type: T) =>
  events.filter((event): event is Extract<MinerEvent, { type: T }> => event.type === type);
async function known(): Promise<number> {
  const { accepted, queued, refused } = (await new ServerClient({ url: server.url }).status()).submissions;
  return accepted + queued + Object.values(refused).reduce((sum, n) => sum + n, 0);
}

test('cuts, lost answers, maintenance, an expired token and a restart lose nothing and double nothing', async () => {
  const faults: Fault[] = [
    { at: /^GET \/v1\/network/, kind: 'unavailable' },
    { at: /^GET \/v1\/blobs\//, kind: 'cut-answer' },
    { at: /^GET \/v1\/data\/shards\/\d/, kind: 'cut-answer' },
    { at: /^POST \/v1\/tasks/, kind: 'lose-answer' },
    { at: /^PUT .*\/submission/, kind: 'cut-upload' },
    { at: /^PUT .*\/submission/, kind: 'lose-answer' },
    { at: /^PUT .*\/submission/, kind: 'unavailable' },
    { at: /^GET \/v1\/submissions\//, kind: 'cut-answer' },
  ];
  proxy.inject(...faults);
  let restarting: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await server.close();
    server = await start();
  };
  const [main, second] = await Promise.all([
    mine('main', 3, ({ type }) => {
      if (type === 'submitted') restarting ??= restart();
    }),
    mine('second', 2),
  ]);
  await restarting;
  assert.equal(proxy.faultsLeft, 0, `struck: ${proxy.struck.join(', ')}`);
  const trained = [...of(main, 'trained'), ...of(second, 'trained')].map(({ taskId }) => taskId);
  const submitted = [...of(main, 'submitted'), ...of(second, 'submitted')].map(
    ({ submissionId }) => submissionId,
  );
  assert.equal(new Set(trained).size, trained.length, 'no task was trained twice');
  assert.deepEqual([trained.length, new Set(submitted).size], [5, 5]);
  assert.equal(await known(), 5, 'each is on the server once');
  const resumed = proxy.seen.filter((line) => /bytes=[1-9]\d*-/.test(line));
  assert.ok(resumed.length >= 2, `downloads go on where they broke: ${resumed.join('; ')}`);
  const codes = new Set([...of(main, 'retrying'), ...of(second, 'retrying')].map(({ code }) => code));
  assert.ok(codes.has('SERVER_UNREACHABLE') && codes.has('HTTP_503'), [...codes].join());
});

test('a server of another protocol ends the miner with what to do about it', async () => {
  proxy.inject({
    at: /^GET \/v1\/network/,
    kind: 'change-answer',
    change: (body) => body.replace(/"protocol":\d+/, '"protocol":1'),
  });
  await assert.rejects(mine('main', 1), {
    info: { code: 'PROTOCOL_MISMATCH', ours: PROTOCOL },
    message: /install the release that the network runs/,
  });
});

test('a clock that is hours off is said, and does not keep the miner from working', async () => {
  proxy.inject({
    at: /^GET \/v1\/network/,
    kind: 'change-answer',
    change: (body) => body.replace(/"serverTimeMs":\d+/, `"serverTimeMs":${Date.now() - 5 * 3_600_000}`),
  });
  const events = await mine('main', 1);
  assert.deepEqual(of(events, 'clockOff'), [{ type: 'clockOff', aheadMinutes: 300 }]);
  assert.equal(of(events, 'submitted').length, 1);
});

const NOT_THERE = process.platform === 'win32' && 'Windows has no SIGSTOP';
test('a miner that slept for hours in the middle of its work goes on and is accepted', {
  skip: NOT_THERE,
}, async () => {
  const args = ['miner', '--server', proxy.url, '--dir', join(root, 'sleeper'), '--threads', '1'];
  const sleeper = startAlice([...args, '--instance', 'sleeper', '--log', 'json']);
  try {
    const uploads = (): number => proxy.seen.filter((line) => /^PUT .*\/submission/.test(line)).length;
    const tasks = (): number => proxy.seen.filter((line) => line === 'POST /v1/tasks').length;
    const before = tasks();
    await until('a first task', { seconds: 300, run: sleeper }, () => tasks() > before);
    sleeper.process.kill('SIGSTOP');
    aheadMs = 2 * 3_600_000; // its task and its token are of the past when it wakes
    const known = await settledCount();
    await mine('second', 2); // the network has gone on meanwhile: what it told of before, and one more
    await until('the work of the others', { seconds: 300 }, async () => (await settledCount()) > known);
    const sent = uploads();
    sleeper.process.kill('SIGCONT');
    await until('an upload', { seconds: 300, run: sleeper }, () => uploads() > sent);
    await until('its acceptance', { seconds: 300, run: sleeper }, () =>
      sleeper.output().includes('Update accepted'),
    );
  } finally {
    await sleeper.stop();
    aheadMs = 0;
  }
});

/** Submissions that have been judged. */
async function settledCount(): Promise<number> {
  const { accepted, refused } = (await new ServerClient({ url: server.url }).status()).submissions;
  return accepted + Object.values(refused).reduce((sum, n) => sum + n, 0);
}

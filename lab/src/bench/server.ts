/**
 * @file A parameter server under load: simulated miners over real HTTP with real signed registrations and valid
 * submissions of the `tiny` preset, while a scorer scores. Server and scorer are processes of their own; the miners share
 * this one. They register (signing) and make their deltas (encoding) before anything is timed. Ingest is measured with
 * submissions of full size: what the server takes in all, against what zlib alone needs to inflate their `binary_v2` form.
 * ALICE_BENCH_MINERS (2,000) sets their number, ALICE_POSTGRES_URL a database instead of the embedded one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { modelLayout, presets } from '@alice/model';
import {
  deltaAsDecoded,
  encodeAnySubmission,
  encodeSubmission,
  entryCount,
  fromHex,
  type HexString,
  headerForTask,
  initCrypto,
  keyPairFromSecret,
  ServerClient,
  type SparseDelta,
  SUBMISSION_HEADER_BYTES,
  seededRandom,
  type Task,
  type WireFormat,
  wholeTask,
} from '@alice/protocol';
import type { Bench, Figure } from './figure.js';

const promised = { dispatchMs: 250, growth: 0.1, ingest: 0.5, scoring: 0.9 };
const FIRST_MINERS = 100;
/** Bodies of full size, as an honest miner of the default settings sends; the first few get everybody warm. */
const INGEST_MINERS = 72;
const WARM_UP = 8;
const INGEST_AT_ONCE = 8;
const CONTENT_ENTRY_BYTES = 8;
const THIN_ENTRIES = 400;
/** Just below the default density of 6%, so that no chunk has more than a top-k would leave it. */
const FULL_DENSITY = 0.059;
const AT_ONCE = 32;
const LONG_POLL_MS = 25_000;
const testing = (name: string): string =>
  fileURLToPath(new URL(`../../../packages/server/dist/testing/${name}.js`, import.meta.url));
const layout = modelLayout(presets.tiny);

export const serverBench: Bench = {
  name: 'server',
  about:
    '2,000 miners over HTTP with a scorer at work: errors, dispatch time, memory, ingest against inflate',
  async run(say) {
    await initCrypto();
    const count = Number(process.env['ALICE_BENCH_MINERS'] ?? 2_000);
    const dir = mkdtempSync(join(tmpdir(), 'alice-bench-server-'));
    const databaseUrl = process.env['ALICE_POSTGRES_URL'] ?? '';
    const server = fork(testing('loadServer'), [dir, databaseUrl, 'default']);
    const ended = new AbortController();
    setMaxListeners(0, ended.signal);
    let scorer: ChildProcess | undefined;
    try {
      const { url } = await message<{ url: string }>(server);
      scorer = fork(testing('loadScorer'), [url]);
      let jobs = 0;
      let scoring = Number.NaN;
      scorer.on('message', ({ share }: { share: number }) => {
        jobs++;
        scoring = share;
      });
      const load = {
        url,
        signal: ended.signal,
        errors: [] as string[],
        retries: 0,
        dispatchMs: [] as number[],
      };
      await work(load, await arrive(load, { from: 0, to: Math.min(FIRST_MINERS, count) }));
      const small = await memory(server);
      say(`${FIRST_MINERS} miners: server holds ${(small / 2 ** 20).toFixed(0)} MiB`);
      load.dispatchMs.length = 0; // what a server needs to get warm is not its speed
      const others = await arrive(load, { from: FIRST_MINERS, to: count });
      const started = performance.now();
      await work(load, others);
      const seconds = (performance.now() - started) / 1000;
      const large = await memory(server);
      say(
        `${count} miners: server holds ${(large / 2 ** 20).toFixed(0)} MiB, ${jobs} jobs scored, ${load.errors.length} errors`,
      );
      if (load.errors.length > 0) say(`first error: ${load.errors[0]}`);
      const ingest = await ingestSpeed(load, count);
      ended.abort();
      await Promise.all([stop(scorer), stop(server)]);
      const plain = await ingestOfV2(databaseUrl);
      const times = load.dispatchMs.sort((a, b) => a - b);
      return [
        figure('errors', load.errors.length, {
          unit: 'requests',
          baseline: 0,
          note: `${count} miners, ${load.retries} asked to come back`,
        }),
        figure('dispatch_p50_ms', percentile(times, 0.5), {
          unit: 'ms',
          baseline: null,
          note: 'task request to task, long polls not counted',
        }),
        figure('dispatch_p99_ms', percentile(times, 0.99), {
          unit: 'ms',
          baseline: promised.dispatchMs,
          note: 'while the scorer works',
        }),
        figure('rss_growth', large / small - 1, {
          unit: 'share',
          baseline: promised.growth,
          note: `${FIRST_MINERS} to ${count} miners, resident memory`,
        }),
        figure('submissions_per_second', (count - FIRST_MINERS) / seconds, {
          unit: '1/s',
          baseline: null,
          note: 'take a task, submit, wait for the next',
        }),
        figure('ingest_vs_inflate', ingest.share, {
          unit: 'share',
          baseline: promised.ingest,
          note: `default format; ${describeIngest(ingest)}`,
        }),
        figure('ingest_v2_vs_inflate', plain.share, {
          unit: 'share',
          baseline: promised.ingest,
          note: `tasks that ask for binary_v2; ${describeIngest(plain)}`,
        }),
        ...(Number.isFinite(scoring)
          ? [
              figure('scoring_vs_forward', scoring, {
                unit: 'share',
                baseline: promised.scoring,
                note: 'processor time of the bare forward passes in that of the whole scorer',
              }),
            ]
          : []),
        figure('scored_jobs', jobs, {
          unit: 'jobs',
          baseline: null,
          note: 'by one scorer on one thread, meanwhile',
        }),
      ];
    } finally {
      ended.abort();
      await Promise.all([stop(scorer), stop(server)]);
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

interface Load {
  readonly url: string;
  readonly signal: AbortSignal;
  readonly errors: string[];
  retries: number;
  readonly dispatchMs: number[];
}

const device = { kind: 'cpu' as const, name: 'load', threads: 1, memoryBytes: 1, software: 'load' };

function clientOf(load: Load, number: number): ServerClient {
  const key = keyPairFromSecret(`//load/${Math.floor(number / 50)}`);
  const member = { key, instance: `m${number}`, role: 'miner' as const, device };
  return new ServerClient(
    { url: load.url, member, attempts: 30, signal: load.signal },
    {
      onRetry: () => {
        load.retries++;
      },
    },
  );
}

interface Miner {
  readonly client: ServerClient;
  /** A submission of its own for a task that is still to come. */
  readonly submission: Uint8Array;
}

/** A device that takes a task and never answers: all tasks of a round agree in what a delta's header says of the model. */
const NOBODY = 1_000_000;

/** Each registers and makes its delta. */
async function arrive(load: Load, { from, to }: { from: number; to: number }): Promise<Miner[]> {
  const miners: Miner[] = [];
  const anyTask = (await clientOf(load, NOBODY).nextTask(0)).offer!;
  const numbers = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  await eachOf(load, numbers, async (number) => {
    const client = clientOf(load, number);
    await client.register();
    miners.push({ client, submission: await encodeFor(anyTask, thinDelta(`miner ${number}`)) });
  });
  return miners;
}

/** Each takes a task, answers it, and then waits for its next one on an open request until the end. */
function work(load: Load, miners: readonly Miner[]): Promise<void> {
  return eachOf(load, miners, async ({ client, submission }) => {
    const asked = performance.now();
    const { offer } = await client.nextTask(0);
    load.dispatchMs.push(performance.now() - asked);
    if (!offer) throw new Error('no task was offered in an open round');
    const answer = await client.submit(offer.taskId, retargeted(submission, offer));
    if (answer.status !== 'queued') throw new Error(`submission ${answer.status}`);
    void waitOn(load, client);
  });
}

/** Some at once; what fails is counted. */
async function eachOf<T>(load: Load, all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left)
      try {
        await act(one);
      } catch (error) {
        load.errors.push(error instanceof Error ? error.message : String(error));
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function waitOn(load: Load, client: ServerClient): Promise<void> {
  while (!load.signal.aborted)
    await client.nextTask(LONG_POLL_MS).catch((error: unknown) => {
      if (!load.signal.aborted) load.errors.push(error instanceof Error ? error.message : String(error));
    });
}

interface Ingest {
  readonly share: number;
  /** Of what is decoded, 8 bytes an entry, so that all formats are measured by the same rule. */
  readonly mbPerSecond: number;
  readonly inflateMbPerSecond: number;
  /** The same for the `binary_v2` form of the values as they were rounded, which deflate better. */
  readonly roundedMbPerSecond: number;
  readonly uploadBytes: number;
  readonly inflatedBytes: number;
}

/**
 * Full-size submissions as fast as they are taken, against zlib inflating the `binary_v2` form of the same deltas in this
 * process. All carry one delta, so that looking for copies ends at its hash and is no part of it.
 */
async function ingestSpeed(load: Load, from: number): Promise<Ingest> {
  const clients = Array.from({ length: INGEST_MINERS }, (_, i) => clientOf(load, from + i));
  const tasks: Task[] = [];
  for (const client of clients) tasks.push((await client.nextTask(0)).offer!);
  const delta = fullDelta('ingest');
  const model = await encodeFor(tasks[0]!, delta);
  const bodies = tasks.map((task) => retargeted(model, task));
  const send = (part: readonly number[]): Promise<void> =>
    inParallel(part, (i) => clients[i]!.submit(tasks[i]!.taskId, bodies[i]!));
  await send(range(0, WARM_UP));
  const inflated = await v2BodyOf(tasks[0]!, delta);
  const rounded = await v2BodyOf(tasks[0]!, deltaAsDecoded(delta, formatOf(tasks[0]!)));
  const [inflateSeconds, roundedSeconds] = [secondsToInflate(inflated), secondsToInflate(rounded)];
  const start = performance.now();
  await send(range(WARM_UP, INGEST_MINERS));
  const seconds = (performance.now() - start) / 1000 / (INGEST_MINERS - WARM_UP);
  const megabytes = (CONTENT_ENTRY_BYTES * entryCount(delta)) / 1e6;
  return {
    share: inflateSeconds / seconds,
    mbPerSecond: megabytes / seconds,
    inflateMbPerSecond: megabytes / inflateSeconds,
    roundedMbPerSecond: megabytes / roundedSeconds,
    uploadBytes: model.length,
    inflatedBytes: inflated.length,
  };
}

/** On a server of its own, whose tasks ask for `binary_v2`. */
async function ingestOfV2(databaseUrl: string): Promise<Ingest> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-bench-server-'));
  const server = fork(testing('loadServer'), [dir, databaseUrl && `${databaseUrl}_v2`, 'binary_v2']);
  const ended = new AbortController();
  try {
    const { url } = await message<{ url: string }>(server);
    return await ingestSpeed({ url, signal: ended.signal, errors: [], retries: 0, dispatchMs: [] }, 0);
  } finally {
    ended.abort();
    await stop(server);
    rmSync(dir, { recursive: true, force: true });
  }
}

function describeIngest(ingest: Ingest): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  const speed = (value: number): string => value.toFixed(0);
  return (
    `${speed(ingest.mbPerSecond)} MB/s of entries (8 bytes each) from uploads of ${mb(ingest.uploadBytes)} MB; zlib alone ` +
    `inflates ${speed(ingest.inflateMbPerSecond)} MB/s of them from ${mb(ingest.inflatedBytes)} MB of binary_v2, ` +
    `${speed(ingest.roundedMbPerSecond)} if their values are as rounded`
  );
}

/** What follows the header. */
async function v2BodyOf(task: Task, delta: SparseDelta): Promise<Uint8Array> {
  const bytes = await encodeSubmission(headerForTask(task, wholeTask(task, 5)), delta, layout);
  return bytes.subarray(SUBMISSION_HEADER_BYTES);
}

/** On the average of as many as are sent, in this process, while everything else goes on. */
function secondsToInflate(body: Uint8Array): number {
  const start = performance.now();
  for (let i = WARM_UP; i < INGEST_MINERS; i++) inflateSync(body);
  return (performance.now() - start) / 1000 / (INGEST_MINERS - WARM_UP);
}

async function inParallel(all: readonly number[], act: (one: number) => Promise<unknown>): Promise<void> {
  const left = all.values();
  const worker = async (): Promise<void> => {
    for (const one of left) await act(one);
  };
  await Promise.all(Array.from({ length: INGEST_AT_ONCE }, worker));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

const formatOf = (task: Task): WireFormat => task.settings.format ?? { wire: 'binary_v2' };

function encodeFor(task: Task, delta: SparseDelta): Promise<Uint8Array> {
  return encodeAnySubmission(headerForTask(task, wholeTask(task, 5)), delta, {
    layout,
    format: formatOf(task),
  });
}

/** The same body for another task: id and nonce lie at bytes 8 and 24 of every format's header. */
function retargeted(submission: Uint8Array, task: Task): Uint8Array {
  const bytes = submission.slice();
  bytes.set(fromHex(task.taskId as HexString), 8);
  bytes.set(fromHex(task.nonce as HexString), 24);
  return bytes;
}

const thinDelta = (seed: string): SparseDelta =>
  randomDelta(seed, (size) => Math.max(1, Math.floor((size * THIN_ENTRIES) / layout.size)));
const fullDelta = (seed: string): SparseDelta =>
  randomDelta(seed, (size) => Math.max(1, Math.floor(FULL_DENSITY * size)));

/** Evenly strewn positions: as many of each chunk as an honest top-k has. */
function randomDelta(seed: string, entriesOf: (size: number) => number): SparseDelta {
  const random = seededRandom(seed);
  const tensors = layout.tensors.map(({ size }, tensor) => {
    const stride = size / entriesOf(size);
    const indices = Uint32Array.from(
      { length: entriesOf(size) },
      (_, i) => Math.floor(i * stride) + random.below(Math.floor(stride)),
    );
    return { tensor, indices, values: Float32Array.from(indices, () => 0.001 * random.normal()) };
  });
  return { tensors };
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T));
    child.once('exit', (code) => reject(new Error(`the measured process ended with ${code}`)));
  });
}

async function memory(server: ChildProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 2_000)); // what has just ended may go
  const answer = message<{ rss: number }>(server);
  server.send('memory');
  return (await answer).rss;
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function figure(name: string, value: number, rest: Omit<Figure, 'name' | 'value'>): Figure {
  return { name, value, ...rest };
}

/**
 * @file A round of the true Alice-7B through the server's own fold: a random FP32 master and submissions of the whitepaper's
 * density in a real blob store in a folder, folded in a process of its own into the next version: master, snapshot,
 * set-delta, state root. What is measured: its memory, and its time beside the bare reading, writing and hashing of the
 * same bytes. ALICE_BENCH_LAYERS cuts the model, ALICE_BENCH_SUBMISSIONS says how many (8), ALICE_BENCH_DIR where.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ModelConfig, parameterCount, resolveModel } from '@alice/model';
import { CodedError, SNAPSHOT_CHUNK_BYTES } from '@alice/protocol';
import { inBenchFolder } from './benchFolder.js';
import type { Bench, Figure } from './figure.js';
import {
  type PreparedFile,
  type PreparedSubmission,
  prepareMaster,
  prepareSubmission,
} from './foldInputs.js';
import { DIR, LAYERS, type Say, since } from './largeModel.js';
import { peakResidentGib } from './peakResident.js';

const SUBMISSIONS = Number(process.env['ALICE_BENCH_SUBMISSIONS'] ?? '8');
const DENSITY = 0.001;
/** The base's master, the new one, and its snapshot. */
const BYTES_PER_WEIGHT = 10;
/** The submission itself, its terms, and what of the set-delta is put aside. */
const BYTES_PER_ENTRY = 32;
const PIECE_BYTES = 2 ** 26;
const goals = { peakRssGib: 4 };
const PROGRAM = fileURLToPath(new URL('../../../packages/server/dist/testing/loadFold.js', import.meta.url));

/** What the folding process answers. */
interface FoldTook {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly changedElements: number;
  readonly setDeltaBytes: number | null;
  readonly dropped: number;
}

export const foldBench: Bench = {
  name: 'fold',
  about: `a round of Alice-7B through the server's fold: ${LAYERS} layers, ${SUBMISSIONS} submissions, from disk to disk`,
  async run(say) {
    const config = resolveModel('7b', { layers: LAYERS });
    requireSpace(parameterCount(config));
    return await inBenchFolder({ parent: DIR, name: 'fold' }, (dir) => measure(config, dir, say));
  },
};

function requireSpace(parameters: number): void {
  const needBytes = parameters * (BYTES_PER_WEIGHT + SUBMISSIONS * DENSITY * BYTES_PER_ENTRY);
  const { bavail, bsize } = statfsSync(DIR);
  const freeBytes = bavail * bsize;
  if (freeBytes >= needBytes) return;
  throw new CodedError(
    { code: 'BENCH_NO_SPACE', needBytes, freeBytes },
    `BENCH_NO_SPACE: ${gb(needBytes)} are needed in ${DIR}, ${gb(freeBytes)} are free: set ALICE_BENCH_DIR to another folder, or ALICE_BENCH_LAYERS to fewer than ${LAYERS}`,
  );
}

async function measure(config: ModelConfig, dir: string, say: Say): Promise<Figure[]> {
  const start = performance.now();
  const base = await prepareMaster(config, dir);
  say(`${parameterCount(config)} weights, master of ${gb(base.sizeBytes)} in ${since(start)}`);
  const plainSeconds = plain(base, dir);
  say(`read, written and hashed without arithmetic: ${plainSeconds.toFixed(1)} s`);
  const submissions: PreparedSubmission[] = [];
  for (let number = 0; number < SUBMISSIONS; number++)
    submissions.push(await prepareSubmission(config, { dir, number, density: DENSITY }));
  const entries = submissions.reduce((sum, submission) => sum + submission.entries, 0);
  say(`${SUBMISSIONS} submissions of ${entries / SUBMISSIONS} entries, ${gb(sizeOf(submissions))}`);
  const { took, peakGib } = await foldApart({ dir, layers: LAYERS, density: DENSITY, base, submissions });
  say(`folded in ${took.seconds.toFixed(1)} s; peak ${peakGib.toFixed(2)} GiB`);
  if (took.dropped > 0 || took.changedElements === 0)
    throw new Error(
      `cannot happen: ${took.dropped} submissions were dropped, ${took.changedElements} changed`,
    );
  return figures({ took, peakGib, plainSeconds, entries });
}

/** What no fold can do without: the base read, a master and halves written, all hashed as the fold has to. */
function plain({ path, sizeBytes }: PreparedFile, dir: string): number {
  const start = performance.now();
  const out = join(dir, 'plain');
  mkdirSync(out);
  const [input, master] = [openSync(path, 'r'), openSync(join(out, 'master'), 'w')];
  const hashes = [1, 2, 3].map(() => createHash('sha256'));
  const piece = new Uint8Array(PIECE_BYTES);
  for (let at = 0, chunks = 0; at < sizeBytes; ) {
    const part = piece.subarray(0, readSync(input, piece, 0, PIECE_BYTES, at));
    const halves = part.subarray(0, part.length / 2);
    hashes[0]!.update(part);
    hashes[1]!.update(part);
    hashes[2]!.update(halves);
    for (let done = 0; done < part.length; ) done += writeSync(master, part, done);
    for (let from = 0; from < halves.length; from += SNAPSHOT_CHUNK_BYTES) {
      const chunk = halves.subarray(from, from + SNAPSHOT_CHUNK_BYTES);
      createHash('sha256').update(chunk).digest();
      writeFileSync(join(out, String(chunks++)), chunk, { flush: true });
    }
    at += part.length;
  }
  for (const hash of hashes) hash.digest();
  fsyncSync(master);
  for (const file of [input, master]) closeSync(file);
  const seconds = (performance.now() - start) / 1e3;
  rmSync(out, { recursive: true });
  return seconds;
}

async function foldApart(load: object): Promise<{ took: FoldTook; peakGib: number }> {
  const child = fork(PROGRAM, [JSON.stringify(load)]);
  try {
    const took = await answerOf(child);
    return { took, peakGib: peakResidentGib(child.pid) };
  } finally {
    child.kill();
  }
}

function answerOf(child: ChildProcess): Promise<FoldTook> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as FoldTook));
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the folding process ended (${signal ?? `exit code ${code}`}): its reason is above`)),
    );
  });
}

function figures(measured: {
  took: FoldTook;
  peakGib: number;
  plainSeconds: number;
  entries: number;
}): Figure[] {
  const { took, peakGib, plainSeconds, entries } = measured;
  const about = `${LAYERS} layers, ${SUBMISSIONS} submissions`;
  const figure = (
    name: string,
    value: number,
    unit: string,
    note: string,
    baseline: number | null = null,
  ) => ({
    ...{ name, value, unit, baseline, note },
  });
  return [
    figure('peak_rss_gib', peakGib, 'GiB', `baseline: the goal; ${about}`, goals.peakRssGib),
    figure(
      'fold_s',
      took.seconds,
      's',
      'baseline: base read, master and halves written, all hashed, no arithmetic',
      plainSeconds,
    ),
    figure('fold_vs_plain', took.seconds / plainSeconds, 'ratio', 'the two above'),
    figure('fold_cpu_s', took.cpuSeconds, 's', 'processor time, which other work hardly changes'),
    figure('entries_per_second', entries / took.seconds, '1/s', `${entries} entries, decoding included`),
    figure(
      'changed_share',
      took.changedElements / parameterCount(resolveModel('7b', { layers: LAYERS })),
      'ratio',
      'of all weights',
    ),
    figure('set_delta_gb', (took.setDeltaBytes ?? 0) / 1e9, 'GB', 'to be downloaded instead of the snapshot'),
  ];
}

function sizeOf(files: readonly PreparedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

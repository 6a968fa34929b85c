/**
 * @file From published files to an audited dataset by the commands alone: a hub with a token and bad connections, builds killed
 * with SIGKILL at random requests and while shards are written, and the root of a build that nobody disturbed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hubServer, parquetFile, prose, zstdFrame } from '@alice/data/testing';
import { seededRandom } from '@alice/protocol';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const TOKEN = 'hf_walk';
const KILLS = 6;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

function alice(args: readonly string[], endpoint: string): Running {
  const env = { ...process.env, HF_ENDPOINT: endpoint, HF_TOKEN: TOKEN };
  const child = spawn(process.execPath, [MAIN, 'data', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, out }));
  });
  return { child, ended };
}

function published(): Record<string, Uint8Array> {
  const texts = (file: number): string[] =>
    Array.from({ length: 40 }, (_, i) => prose(i % 9 === 0 ? `same ${i}` : `${file} ${i}`, 900));
  const lines = (file: number): Buffer =>
    Buffer.from(
      texts(file)
        .map((text) => `${JSON.stringify({ text })}\n`)
        .join(''),
    );
  const packed = Array.from({ length: 10 }, (_, i) => [
    `train/chunk${i % 3}/f${i}.jsonl.zst`,
    zstdFrame(lines(i)),
  ]);
  const columns = [20, 21].map((i) => [
    `train/p${i}.parquet`,
    parquetFile(texts(i), { groupRows: 15, checksums: true }),
  ]);
  return Object.fromEntries([...packed, ...columns]);
}

test('a data set on a hub, killed at random and resumed, becomes the dataset of an undisturbed build', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-walk-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const at = (name: string): string => join(dir, name);
  const random = seededRandom('walk');
  const files = published();
  // Every fifth answer breaks off somewhere.
  const breakAfter = (n: number): number | undefined => (n % 5 === 0 ? random.below(40_000) : undefined);
  const hub = await hubServer(t, { files, token: TOKEN, breakAfter });
  const run = (...args: string[]): Running => alice(args, hub.endpoint);
  const build = (out: string, workers: number): Running =>
    run(
      'build',
      'hf:own/set/train',
      '--tokenizer',
      'gpt2',
      '--shard-tokens',
      '20000',
      '--out',
      at(out),
      ...['--json'],
      ...['--workers', `${workers}`],
    );

  for (let kill = 0; kill < KILLS; kill++) {
    const { child, ended } = build('killed', 1 + (kill % 2));
    // Half of the kills strike while files are read, the others while shards are written.
    const last = hub.storageRequests.length + 1 + random.below(4);
    const isTime = (): boolean =>
      kill < KILLS / 2
        ? hub.storageRequests.length >= last
        : existsSync(join(at('killed'), '.build', 'shards.log'));
    const watch = setInterval(() => isTime() && child.kill('SIGKILL'), 2);
    const { signal, out } = await ended;
    clearInterval(watch);
    assert.equal(signal, 'SIGKILL', `kill ${kill}: ${out}`);
    assert.ok(!existsSync(join(at('killed'), 'manifest.json')), `kill ${kill}`);
  }
  const built = async ({ ended }: Running): Promise<{ root: string; documents: number }> => {
    const { code, out } = await ended;
    assert.equal(code, 0, out);
    return JSON.parse(out);
  };
  const resumed = await built(build('killed', 2));
  const whole = await built(build('whole', 1));
  assert.equal(resumed.root, whole.root);
  assert.equal(whole.documents, 12 * 40 - 11 * 5);
  assert.deepEqual(
    readFileSync(join(at('killed'), 'blocks.bin')),
    readFileSync(join(at('whole'), 'blocks.bin')),
  );

  const verified = await run(
    'verify',
    at('killed'),
    '--source',
    'hf:own/set/train',
    '--samples',
    '5',
    '--json',
  ).ended;
  const report = JSON.parse(verified.out) as { problems: unknown[]; remadeDocuments: number };
  assert.deepEqual([verified.code, report.problems], [0, []]);
  assert.ok(report.remadeDocuments >= 5);
  assert.equal((await run('stats', at('killed'), '--svg', at('stats.svg')).ended).code, 0);
  assert.match(readFileSync(at('stats.svg'), 'utf8'), /documents by source folder.*train\/chunk1/s);
  assert.match((await run('diff', at('killed'), at('whole')).ended).out, /the same shards in the same order/);

  const { child, ended } = run('serve', at('killed'), '--json');
  const first = await new Promise<Buffer>((resolve) => child.stdout!.once('data', resolve));
  const { url, root } = JSON.parse(String(first)) as { url: string; root: string };
  assert.equal(root, whole.root);
  const manifest = (await (await fetch(`${url}/manifest.json`)).json()) as { root: string };
  assert.equal(manifest.root, whole.root);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

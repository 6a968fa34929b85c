import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { buildDataset } from './buildDataset.js';
import { outputFault } from './inOutput.js';
import { lockOutput } from './outputLock.js';

const documents = Buffer.from(
  Array.from({ length: 300 }, (_, i) => `${JSON.stringify({ text: prose(`l${i}`, 500) })}\n`).join(''),
);

it('lets one build at a time into a folder, of this process or another, and takes over from one that was killed', async (t) => {
  const dir = temporaryFolder(t);
  const source = temporaryFolder(t, { 'a.jsonl': documents });
  const release = lockOutput(dir);
  const build = () =>
    buildDataset({ source, outDir: dir, tokenizer: byteTokenizer, seed: 'seed', stream: true });
  await assert.rejects(build(), { code: 'OUTPUT_BUSY' });
  const lock = JSON.parse(readFileSync(join(dir, '.build.lock'), 'utf8'));
  release();
  // A process that lives: the one that started this test. Its start time is not that of the lock: the id was used again.
  writeFileSync(join(dir, '.build.lock'), JSON.stringify({ ...lock, pid: process.ppid }));
  const again = lockOutput(dir);
  again();
  writeFileSync(join(dir, '.build.lock'), 'half a lo');
  lockOutput(dir)();

  const script = fileURLToPath(new URL('../testing/buildChild.js', import.meta.url));
  const [, signal] = await once(fork(script, [source, dir, 'write 0']), 'exit');
  assert.equal(signal, 'SIGKILL');
  assert.ok(existsSync(join(dir, '.build.lock')), 'what a killed build leaves');
  await build();
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith('.build.lock')),
    [],
  );
});

it('says what a full disk or a folder that cannot be written to means, and leaves no empty folder behind', async (t) => {
  const full = outputFault(Object.assign(new Error('no space left'), { code: 'ENOSPC' }), '/data');
  assert.deepEqual((full as { info: unknown }).info, { code: 'OUTPUT_FULL', dir: '/data' });
  const other = new Error('anything else');
  assert.equal(outputFault(other, '/data'), other);
  const dir = temporaryFolder(t, { file: Buffer.from('x') });
  const build = (outDir: string, source: string) =>
    buildDataset({ source, outDir, tokenizer: byteTokenizer, seed: 's' });
  await assert.rejects(build(join(dir, 'file'), dir), { code: 'OUTPUT_UNWRITABLE' });
  await assert.rejects(build(join(dir, 'new', 'out'), join(dir, 'nothing')), { code: 'SOURCE_MISSING' });
  assert.ok(!existsSync(join(dir, 'new', 'out')));
});

/** @file Every process of a network is killed, then all at once: nothing acknowledged is lost, and it goes on. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isAlive } from '../process/isAlive.js';
import { alice, assertMoney, known, running, statusOf, until } from '../testing/wholeNetwork.js';
import type { RunReport } from './report.js';

const root = mkdtempSync(join(tmpdir(), 'alice-e2e-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('any process may be killed at any moment', async (t) => {
  const dir = join(root, 'killed');
  const texts = join(root, 'texts');
  writeTexts(texts);
  // Another network may be starting in the same moment, which would find the same default ports free.
  const ports = ['--port', '0', '--rpc-port', '0'];
  const args = ['up', '--data', texts, '--dir', dir, '--epoch-seconds', '15', ...ports];
  let run = alice(...args);
  t.after(() => run.process.kill('SIGKILL'));
  const accepted = async (): Promise<number> => (await statusOf(dir))?.submissions.accepted ?? -1;
  await until(
    'an accepted submission',
    { seconds: 180, run },
    async () => run.output().includes('status page') && (await accepted()) > 0,
  );
  let seen = known((await statusOf(dir))!);

  for (const names of [
    ['miner-1', 'scorer'],
    ['server', 'node'],
  ]) {
    const before = running(dir).pids;
    for (const name of names) process.kill(before[name]!, 'SIGKILL');
    const killed = names.join(' and ');
    await until(`${killed} to be restarted`, { seconds: 60, run }, () =>
      names.every((name) => ![undefined, before[name]].includes(running(dir).pids[name])),
    );
    const s = await until(`the server after killing ${killed}`, { seconds: 60, run }, () => statusOf(dir));
    assert.ok(known(s) >= seen, `no acknowledged submission is lost when ${killed} die`);
    const target = s.submissions.accepted + 2;
    await until(
      `work to go on after killing ${killed}`,
      // A killed scorer's job is free after its lease, a killed miner's task after its window; other networks share the machine.
      { seconds: 300, run },
      async () => (await accepted()) >= target,
    );
    seen = known((await statusOf(dir))!);
  }

  const pids = Object.values(running(dir).pids);
  run.process.kill('SIGKILL');
  await run.closed;
  rmSync(texts, { recursive: true }); // the shards are made: the text is not needed again
  const reportPath = join(root, 'killed.json');
  run = alice('up', '--dir', dir, '--epochs', '1', '--report', reportPath, ...ports);
  await until('the children of a killed supervisor to stop', { seconds: 30 }, () =>
    pids.every((pid) => !isAlive(pid)),
  );
  assert.equal(await run.closed, 0, run.output());
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as RunReport;
  assertMoney(report);
  const all =
    report.submissions.accepted + Object.values(report.submissions.refused).reduce((a, b) => a + b, 0);
  assert.ok(all >= seen, 'no acknowledged submission is lost when everything dies');
});

/** A folder of text the project has never seen: made-up sentences from a small grammar, names with spaces and accents. */
function writeTexts(folder: string): void {
  mkdirSync(join(folder, 'zwei'), { recursive: true });
  const words =
    'the a red old river mountain city keeps finds under over near bright quiet été straße 東京 moves seven eleven glass paper wind answers slowly never'.split(
      ' ',
    );
  let state = 7;
  const next = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * n);
  };
  for (const name of ['un été.txt', 'zwei/Straße 2.txt', 'plain.txt']) {
    const lines = Array.from(
      { length: 9000 },
      () => `${Array.from({ length: 4 + next(9) }, () => words[next(words.length)]).join(' ')}.`,
    );
    writeFileSync(
      join(folder, name),
      lines.map((line, i) => (i % 12 === 11 ? `${line}\n` : line)).join('\n'),
    );
  }
}

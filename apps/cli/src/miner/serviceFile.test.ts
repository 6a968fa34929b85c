/** @file Service files: whatever stands in paths means itself; systemd's own checker agrees where there is one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  launchdAgent,
  launchdLabel,
  type ServicePlan,
  serviceName,
  systemdUnit,
  windowsTask,
} from './serviceFile.js';

const plan: ServicePlan = {
  instance: 'main',
  command: [
    process.execPath,
    '/opt/my "alice" & 100%/main.js',
    'miner',
    '--server',
    'https://a.example/?x=$HOME',
  ],
  ...{ workingDir: '/tmp', logFile: '/tmp/miner.log', environment: { NO_COLOR: '1' } },
};

test('a systemd unit quotes what systemd would read', () => {
  const unit = systemdUnit(plan);
  assert.match(unit, /"\/opt\/my \\"alice\\" & 100%%\/main\.js"/);
  assert.match(unit, /"https:\/\/a\.example\/\?x=\$\$HOME"/);
});

const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
test('systemd accepts the unit', { skip: !isThere && 'no systemd-analyze here' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-unit-'));
  const file = join(dir, 'alice-miner.service');
  writeFileSync(file, systemdUnit(plan));
  const { stderr, status } = spawnSync('systemd-analyze', ['--user', 'verify', file], {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: dir },
  });
  rmSync(dir, { recursive: true });
  assert.equal(status, 0, stderr);
  // What it does not know it only warns of, naming the file.
  assert.deepEqual(
    stderr.split('\n').filter((line) => line.includes('alice-miner.service')),
    [],
  );
});

test('a launchd agent escapes what XML would read', () => {
  const agent = launchdAgent(plan);
  assert.match(agent, /<string>\/opt\/my "alice" &amp; 100%\/main\.js<\/string>/);
  assert.equal(agent.match(/<dict>/g)!.length, agent.match(/<\/dict>/g)!.length);
});

test('a task of Windows escapes what XML would read, and quotes what a program would take apart', () => {
  const task = windowsTask({ ...plan, command: [...plan.command, 'C:\\a folder\\'] });
  assert.match(task, /<Arguments>"\/opt\/my \\"alice\\" &amp; 100%\/main\.js" "miner" "--server"/);
  assert.match(task, /"C:\\a folder\\\\"<\/Arguments>/);
  assert.match(task, /<LogonTrigger>/);
  const open = [...task.matchAll(/<(\w+)[ >]/g)].map(([, name]) => name);
  const closed = [...task.matchAll(/<\/(\w+)>/g)].map(([, name]) => name);
  assert.deepEqual(open.sort(), closed.sort());
});

test('each instance has a service of its own', () => {
  assert.deepEqual([serviceName('main'), serviceName('attic')], ['alice-miner', 'alice-miner-attic']);
  const attic = { ...plan, instance: 'attic' };
  assert.match(launchdAgent(attic), new RegExp(`<string>${launchdLabel('attic')}</string>`));
  assert.notEqual(launchdLabel('attic'), launchdLabel('main'));
  assert.match(systemdUnit(attic), /^Description=Alice miner attic$/m);
  assert.match(windowsTask(attic), /<Description>Alice miner attic</);
});

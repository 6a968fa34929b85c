/** @file Shell completion: bash and, where it is installed, fish complete with their scripts; zsh reads its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { commandTree } from './commandTree.js';
import { completionScript, SHELLS, type Shell } from './completionScript.js';

const program = new Command('alice');
program.addCommand(
  new Command('up')
    .description("it's a network: $all")
    .option('--port <port>', 'where')
    .option('--json', 'as JSON'),
);
const miner = new Command('miner').description('train').option('--server <url>', 'which');
program.addCommand(
  miner.addCommand(new Command('status').description('why').option('--address <a>', 'whom')),
);
const tree = commandTree(program);

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

test('bash completes commands, their commands, and options of the command typed', {
  skip: !has('bash'),
}, () => {
  const cases: [string[], string][] = [
    [['alice', ''], 'up miner'],
    [['alice', 'm'], 'miner'],
    [['alice', 'miner', ''], 'status'],
    [['alice', 'miner', '--'], '--server --help'],
    [['alice', 'miner', '--server', 'x', 'status', '--a'], '--address'],
    [['alice', 'up', '--po'], '--port'],
    [['alice', 'up', ''], ''],
  ];
  for (const [words, expected] of cases) {
    const script = `${completionScript('bash', tree)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _alice; echo "\${COMPREPLY[*]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    assert.deepEqual([stdout.trim(), stderr], [expected, ''], words.join(' '));
  }
});

test('fish completes commands with what they do, and options', {
  skip: !has('fish') && 'no fish here',
}, () => {
  withScript('fish', (path) => {
    const completed = (line: string): string =>
      spawnSync('fish', ['-c', `source ${path}; complete -C '${line}'`], { encoding: 'utf8' }).stdout.trim();
    assert.equal(completed('alice m'), 'miner\ttrain');
    assert.equal(completed('alice miner st'), 'status\twhy');
    assert.equal(completed('alice miner status --add'), '--address\twhom');
    assert.equal(completed('alice up --po'), '--port\twhere');
  });
});

for (const shell of SHELLS)
  test(`${shell} can read its script`, { skip: !has(shell) && `no ${shell} here` }, () => {
    withScript(shell, (path) => {
      const { status, stderr } = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  });

/** As a file: fish reads none from the kind of pipe that Node gives a child. */
function withScript(shell: Shell, use: (path: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'alice-completion-'));
  try {
    writeFileSync(join(dir, 'script'), completionScript(shell, tree));
    use(join(dir, 'script'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

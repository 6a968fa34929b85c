/** @file Shell completion: a real bash completes with the script; zsh and fish read theirs where they are installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Command } from 'commander';
import { commandTree } from './commandTree.js';
import { completionScript, SHELLS } from './completionScript.js';

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

for (const shell of SHELLS)
  test(`${shell} can read its script`, { skip: !has(shell) && `no ${shell} here` }, () => {
    const { status, stderr } = spawnSync(shell, ['-n'], {
      input: completionScript(shell, tree),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });

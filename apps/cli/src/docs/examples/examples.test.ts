/** @file Examples are found as they stand in documents; none is left out without a reason that is read by everyone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT } from '../buildDocs.js';
import { sourcePages } from '../pages.js';
import { bindExample } from './bindExample.js';
import { listExamples, readReasons } from './howExamplesRun.js';
import { shellExamples, unmarkedBlocks } from './shellExamples.js';

test('commands of blocks and of running text, whole, without comments', () => {
  const markdown = [
    'Run `npm test -- a b`, not `alice serve`, but `alice serve --model run`.',
    '```sh',
    'alice a \\',
    '  --b   # why',
    '',
    'export X=1',
    '```',
    '```nginx',
    'alice none',
    '```',
  ].join('\n');
  assert.deepEqual(shellExamples(markdown), [
    { command: 'npm test -- a b', block: 1 },
    { command: 'alice serve --model run', block: 2 },
    { command: 'alice a --b', block: 3 },
    { command: 'export X=1', block: 3 },
  ]);
  assert.deepEqual(unmarkedBlocks('```\nalice up\n```\n```\nsome output\n```\n'), ['alice up']);
});

test('reasons are the rows of a table', () => {
  assert.deepEqual(
    [...readReasons('| example | why not |\n|---|---|\n| `a b`, `c` | hours |\n')],
    [
      ['a b', 'hours'],
      ['c', 'hours'],
    ],
  );
});

test('stand-ins become what a network has; what a block starts itself is what its ports mean', () => {
  const facts = {
    ...{
      serverUrl: 'http://s',
      chainUrl: 'http://c',
      submissionId: 'sub',
      version: 7,
      epoch: 3,
      dataDir: '/d',
    },
    ...{ minerAddress: 'a2m', scorerAddress: 'a2s' },
  };
  const ports = { server: 1, chain: 2, inference: 3, mirror: 4 };
  const bound = (...block: readonly string[]): string[] =>
    block.map((command) => bindExample(command, block, { facts, ports }));
  assert.deepEqual(bound('alice verify-score --submission ID --server URL --data DIR'), [
    'alice verify-score --submission sub --server http://s --data /d',
  ]);
  assert.deepEqual(bound('alice verify-epoch E --server URL --chain URL'), [
    'alice verify-epoch 3 --server http://s --chain http://c',
  ]);
  assert.deepEqual(bound('alice verify-round 12 --server URL', 'alice miner status'), [
    'alice verify-round 7 --server http://s',
    'alice miner status --server http://s',
  ]);
  assert.deepEqual(
    bound('alice server --data data --scorer SCORER_ADDRESS', 'alice scorer --server http://127.0.0.1:8420'),
    [
      'alice server --data data --scorer a2s --chain http://c --port 1',
      'alice scorer --server http://127.0.0.1:1',
    ],
  );
  const [made] = bound('alice server --scorer SCORER_ADDRESS', 'alice wallet new scorer --no-encrypt');
  assert.match(
    made!,
    /--scorer \$\(.*scorer\.json.*\) --chain/,
    'a wallet that the block makes is the one meant',
  );
  assert.deepEqual(bound('alice data build --out x && alice train --data x --steps 2000'), [
    'alice data build --out x && alice train --data x --steps 2',
  ]);
});

test('every example of every document is run, is a test of its own, or says why not; no reason is left over', () => {
  const { examples, stale } = listExamples(ROOT);
  assert.ok(examples.filter(({ treatment }) => treatment.kind === 'run').length > 40);
  const nothing = examples.filter(
    ({ treatment }) => treatment.kind === 'tests' && treatment.files.length === 0,
  );
  assert.deepEqual(
    nothing.map(({ source, command }) => `${source}: ${command}`),
    [],
    'tests that do not exist',
  );
  assert.deepEqual(stale, [], 'rows of docs/examples.md that no document has');
  for (const { source, markdown } of sourcePages(ROOT))
    assert.deepEqual(unmarkedBlocks(markdown), [], `${source}: blocks of commands are marked sh`);
});

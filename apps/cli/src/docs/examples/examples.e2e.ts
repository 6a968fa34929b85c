/**
 * @file Runs every command that the documents show, against one network they share; `docs/examples.md` says which are not
 * run and why. Each document has its own folder, so its commands find what those before them left.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { anyFreePort } from '../../process/freePort.js';
import { ROOT } from '../buildDocs.js';
import { bindExample, type NetworkFacts, type OwnPorts } from './bindExample.js';
import { ExampleShell, type Ran } from './ExampleShell.js';
import { ExampleFixtures } from './exampleFixtures.js';
import { type ExampleNetwork, startExampleNetwork } from './exampleNetwork.js';
import { listExamples, type PlacedExample } from './howExamplesRun.js';

const TIMEOUT_MS = 600_000;
/** The network itself is started by it. */
const NETWORK_COMMAND = 'npm start';

describe('every example of the documents', { timeout: TIMEOUT_MS }, () => {
  const root = mkdtempSync(join(tmpdir(), 'alice-examples-'));
  const { examples } = listExamples(ROOT);
  const sources = [...new Set(examples.map(({ source }) => source))];
  let network: ExampleNetwork;
  let fixtures: ExampleFixtures;
  let facts: NetworkFacts;
  before(async () => {
    fixtures = new ExampleFixtures(root, join(root, 'network'));
    network = await startExampleNetwork(join(root, 'network'), fixtures.texts);
    await fixtures.prepare();
    facts = await network.facts();
    network.pauseMiner();
  });
  after(async () => {
    await network.stop();
    rmSync(root, { recursive: true, force: true });
  });

  for (const source of sources) {
    const blocks = blocksOf(examples.filter((example) => example.source === source));
    if (blocks.length === 0) continue;
    it(source, async (t) => {
      const shell = new ExampleShell(fixtures.folderOf(source, root), join(root, 'home'));
      t.after(() => shell.kill());
      for (const block of blocks) await runBlock(shell, block, { facts, ports: await ownPorts() });
    });
  }
});

/** Commands to run, by the block they stand in. */
function blocksOf(examples: readonly PlacedExample[]): string[][] {
  const blocks = new Map<number, string[]>();
  for (const { block, command, treatment } of examples)
    if (treatment.kind === 'run' && command !== NETWORK_COMMAND)
      blocks.set(block, [...(blocks.get(block) ?? []), command]);
  return [...blocks.values()];
}

async function runBlock(
  shell: ExampleShell,
  block: readonly string[],
  surroundings: { readonly facts: NetworkFacts; readonly ports: OwnPorts },
): Promise<void> {
  for (const command of block) {
    const bound = bindExample(command, block, surroundings);
    assertDone(await shell.run(bound), command, bound);
  }
  for (const { command, ...ran } of await shell.endBlock()) assertDone(ran, `${command}, at Ctrl-C`, command);
}

function assertDone({ exitCode, output }: Ran, command: string, bound: string): void {
  assert.equal(exitCode, 0, `${command}\nas\n${bound}\nended with ${exitCode}:\n${output.slice(-4_000)}`);
}

async function ownPorts(): Promise<OwnPorts> {
  const [server, chain, inference, mirror] = [
    await anyFreePort(),
    await anyFreePort(),
    await anyFreePort(),
    await anyFreePort(),
  ];
  return { server, chain, inference, mirror };
}

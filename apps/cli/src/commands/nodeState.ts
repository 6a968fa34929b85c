/** @file `alice node export-snapshot`, `import-snapshot` and `diff-state`: the state of a chain as a whole. */
import { resolve } from 'node:path';
import type { SnapshotSummary, StateDifference, StateSide } from '@alice/node';
import type { HexString } from '@alice/protocol';
import { Command } from 'commander';
import { CliError } from '../errors.js';
import { integerOption } from '../options.js';
import { createProgress } from '../progressBar.js';
import { readSpec } from './readSpec.js';

interface FolderFlags {
  readonly dir: string;
  readonly spec: string;
  readonly json?: boolean;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

export function stateCommands(): Command[] {
  return [exportCommand(), importCommand(), diffCommand()];
}

function exportCommand(): Command {
  return new Command('export-snapshot')
    .description(
      'write the newest state of a stopped node (--dir, --spec) into a file, with a hash of every part',
    )
    .argument('<file>', 'where to write it')
    .option('--json', 'print the result as JSON')
    .action(async (file: string, _own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<FolderFlags>();
      const { exportSnapshot, parseChainSpec } = await nodePackage();
      const spec = parseChainSpec(readSpec(flags.spec));
      const summary = await exportSnapshot({ dir: resolve(flags.dir), spec, file: resolve(file) });
      report('written', summary, flags);
    });
}

function importCommand(): Command {
  return new Command('import-snapshot')
    .description('start a chain in a new --dir from such a file; every byte is checked before any is written')
    .argument('<file>', 'what export-snapshot wrote, or a file of DIR/snapshots of a validator')
    .option('--expect <hash>', 'refuse any other block than the one with this hash')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The file proves its state against the header it carries. That the header belongs to the chain you mean is
yours to check: give --expect, or compare the printed hash with another node's (chain_getBlockHash).
A node on CometBFT joins with --state-sync instead, where the validators' signatures prove the header.`,
    )
    .action(async (file: string, _own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<FolderFlags & { expect?: string }>();
      const { importSnapshot, parseChainSpec } = await nodePackage();
      const spec = parseChainSpec(readSpec(flags.spec));
      const expected = flags.expect === undefined ? {} : { expectedHash: hashOption(flags.expect) };
      const progress = createProgress('reading', { unit: 'parts', quiet: flags.json ?? false });
      const place = { dir: resolve(flags.dir), spec, file: resolve(file) };
      const summary = await importSnapshot({ ...place, ...expected, onChunk: progress.update }).finally(
        progress.stop,
      );
      report('taken over', summary, flags);
    });
}

function diffCommand(): Command {
  return new Command('diff-state')
    .description('every entry in which two states differ; exit code 0 when they are equal, 1 when not')
    .argument('<a>', 'a directory of a stopped node, or the RPC of a running one (http://host:port)')
    .argument('<b>', 'the other one')
    .option(
      '--block <n>',
      'compare at this block (default: the newest that both have)',
      integerOption('--block', 0, 0xffff_ffff),
    )
    .option('--limit <n>', 'stop after so many differences', integerOption('--limit', 1, 1_000_000_000), 100)
    .option('--json', 'print one JSON object per difference, then one with the result')
    .action(async (a: string, b: string, flags: { block?: number; limit: number; json?: boolean }) => {
      const { diffState, openState } = await nodePackage();
      const sides: StateSide[] = [];
      try {
        const block = flags.block ?? (await commonBlock(a, b));
        for (const place of [a, b]) sides.push(await openState(place, block));
        const [one, other] = sides as [StateSide, StateSide];
        let count = 0;
        for await (const difference of diffState(one, other)) {
          if (++count > flags.limit) break;
          print(flags.json ? JSON.stringify(difference) : textOf(difference));
        }
        const { blockNumber, stateRoot } = one;
        const result = { blocks: [blockNumber, other.blockNumber], roots: [stateRoot, other.stateRoot] };
        const shown = Math.min(count, flags.limit);
        if (flags.json)
          print(JSON.stringify({ ...result, differences: shown, complete: count <= flags.limit }));
        else if (count === 0) print(`equal at block ${blockNumber}: state root ${stateRoot}`);
        else
          print(
            `${shown} difference(s)${count > flags.limit ? ', and more' : ''}; roots ${result.roots.join(' and ')}`,
          );
        if (count > 0) process.exitCode = 1;
      } finally {
        for (const side of sides) await side.close();
      }
    });
}

/** The newest block of two running nodes; a directory has one block only. */
async function commonBlock(a: string, b: string): Promise<number | undefined> {
  const { openState } = await nodePackage();
  const numbers: number[] = [];
  for (const place of [a, b]) {
    const side = await openState(place);
    numbers.push(side.blockNumber);
    await side.close();
  }
  return Math.min(...numbers);
}

function textOf({ key, a, b, description }: StateDifference): string {
  if (!description) return `${key}\n  a ${a ?? 'nothing'}\n  b ${b ?? 'nothing'}`;
  const { pallet, item, keys } = description;
  const show = (value: unknown): string => (value === null ? 'nothing' : JSON.stringify(value));
  const of = keys.length > 0 ? ` ${keys.map((part) => JSON.stringify(part)).join(' ')}` : '';
  return `${pallet}.${item}${of}\n  a ${show(description.a)}\n  b ${show(description.b)}`;
}

function report(done: string, summary: SnapshotSummary, { json }: FolderFlags): void {
  if (json) {
    print(JSON.stringify(summary));
    return;
  }
  const { blockNumber, blockHash, stateRoot, entries, sizeBytes } = summary;
  print(`${done}: block ${blockNumber} ${blockHash}`);
  print(`state root ${stateRoot}, ${entries} entries, ${(sizeBytes / 2 ** 20).toFixed(1)} MiB`);
}

function hashOption(text: string): HexString {
  if (/^0x[0-9a-f]{64}$/.test(text)) return text as HexString;
  throw new CliError(
    { code: 'OPTION_INVALID', option: '--expect' },
    '--expect takes a block hash: 0x and 64 lower-case hex digits',
  );
}

const nodePackage = () => import('@alice/node');

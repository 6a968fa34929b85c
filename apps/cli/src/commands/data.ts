/** @file `alice data`: text → hashed shards with a manifest, and their verification. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { choiceOption, integerOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_DIR } from './common.js';
import { LOCAL_PRESETS } from './presets.js';

interface BuildFlags {
  source: string;
  out: string;
  preset: string;
  tokenizer?: string;
  shardTokens?: number;
  seed: string;
  skipInvalid?: boolean;
  replace?: boolean;
  json?: boolean;
}

export function dataCommand(): Command {
  return new Command('data')
    .description('turn text into shards, and check shards')
    .addCommand(buildCommand())
    .addCommand(verifyCommand());
}

function buildCommand(): Command {
  return new Command('build')
    .description('build shards from a .txt or .jsonl file, a folder of them, or the built-in English corpus')
    .argument('[source]', 'file, folder, or "builtin"', 'builtin')
    .option('--out <dir>', 'where the shards go', join(DEFAULT_DIR, 'data'))
    .option(
      '--preset <name>',
      `the model they are for: ${LOCAL_PRESETS.join(', ')}`,
      choiceOption('--preset', LOCAL_PRESETS),
      'nano',
    )
    .option('--tokenizer <id>', 'gpt2, or gpt2-N for its first N entries (default: what the preset uses)')
    .option(
      '--shard-tokens <n>',
      'tokens of a shard (default: 1,000,000, fewer for small texts)',
      integerOption('--shard-tokens', 64, 2 ** 31),
    )
    .option('--seed <text>', 'decides the order of documents and what is kept for validation', 'alice')
    .option('--skip-invalid', 'skip and count what is not valid UTF-8 or not a document, instead of stopping')
    .option('--replace', 'overwrite other shards in the folder')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nThe same text and settings give the same shards, byte for byte.\n\nExample:\n  alice data build ./books --out ./books-shards',
    )
    .action(async (source: string, flags: BuildFlags) => {
      const { signal } = createLifecycle();
      const [{ buildShards }, { tokenizerIdOf }] = await Promise.all([
        import('../dataset/buildShards.js'),
        import('../dataset/tokenizerOf.js'),
      ]);
      const manifest = await buildShards(
        {
          source: source === 'builtin' ? source : resolve(source),
          outDir: resolve(flags.out),
          seed: flags.seed,
          quiet: flags.json ?? false,
          tokenizerId: flags.tokenizer ?? tokenizerIdOf(flags.preset),
          replace: flags.replace ?? false,
          skipInvalid: flags.skipInvalid ?? false,
          ...(flags.shardTokens === undefined ? {} : { shardTokens: flags.shardTokens }),
        },
        { signal },
      );
      const tokens = manifest.shards.reduce((sum, shard) => sum + shard.tokens, 0);
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ root: manifest.root, shards: manifest.shards.length, tokens, documents: manifest.documents, dir: resolve(flags.out) })}\n`,
        );
      else
        process.stdout.write(
          `${pc.green('✓')} ${manifest.shards.length} shards, ${tokens} tokens, ${manifest.documents} documents in ${resolve(flags.out)}\n  root ${manifest.root}\n`,
        );
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('check every shard against the manifest: hashes, counts, vocabulary, root')
    .argument('[dir]', 'folder of shards', join(DEFAULT_DIR, 'data'))
    .option('--tokenizer <id>', 'also check that the shards were made with this tokenizer')
    .option('--json', 'answer as JSON')
    .action(async (dir: string, flags: { tokenizer?: string; json?: boolean }) => {
      const [{ verifyDataset }, { openTokenizer }] = await Promise.all([
        import('@alice/data'),
        import('@alice/model'),
      ]);
      const report = await verifyDataset(
        resolve(dir),
        flags.tokenizer === undefined ? {} : { tokenizer: await openTokenizer(flags.tokenizer) },
      );
      if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      else {
        process.stdout.write(
          `${report.problems.length === 0 ? pc.green('✓') : pc.red('✗')} ${report.shards} shards, ${report.tokens} tokens, root ${report.root}\n`,
        );
        for (const { info, message } of report.problems)
          process.stdout.write(`  ${pc.red(info.code)}: ${message}\n`);
      }
      if (report.problems.length > 0) process.exitCode = 1;
    });
}

/** @file `alice data`: text → hashed shards with a manifest, their verification, figures and differences. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import type { buildShards } from '../dataset/buildShards.js';
import { choiceOption, integerOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { DEFAULT_DIR } from './common.js';
import { LOCAL_PRESETS } from './presets.js';

interface BuildFlags {
  source?: string;
  out: string;
  preset: string;
  tokenizer?: string;
  shardTokens?: number;
  seed: string;
  skipInvalid?: boolean;
  replace?: boolean;
  json?: boolean;
  tokens?: number;
  shards?: number;
  validationShards?: number;
  auditShards?: number;
  field?: string;
  workers?: number;
}

export function dataCommand(): Command {
  return new Command('data')
    .description('turn text into shards, and check shards')
    .addCommand(buildCommand())
    .addCommand(verifyCommand())
    .addCommand(statsCommand())
    .addCommand(diffCommand());
}

function buildCommand(): Command {
  return new Command('build')
    .description(
      'build shards from files, folders, web folders, a data set on the Hugging Face hub, or the built-in English corpus',
    )
    .argument(
      '[source]',
      'file or folder of .txt, .jsonl (also .gz, .zst), .parquet; an https address of either; hf:owner/name[@revision][/path]; or "builtin"',
      'builtin',
    )
    .option('--source <place>', 'the same as the argument')
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
    .option('--tokens <n>', 'at most so many tokens in all', integerOption('--tokens', 50_000, 2 ** 50))
    .option('--shards <n>', 'exactly so many shards', integerOption('--shards', 4, 10_000_000))
    .option(
      '--validation-shards <n>',
      'of these, so many for validation (default: 3 %, at most 50)',
      integerOption('--validation-shards', 2, 100_000),
    )
    .option(
      '--audit-shards <n>',
      'of these, so many that nobody trains on or scores with (default: none)',
      integerOption('--audit-shards', 0, 100_000),
    )
    .option('--field <name>', 'field or column that holds the text (default: text)')
    .option(
      '--workers <n>',
      'threads (default: one a core); never changes the result',
      integerOption('--workers', 1, 1024),
    )
    .option('--skip-invalid', 'skip and count what is not valid UTF-8 or not a document, instead of stopping')
    .option('--replace', 'overwrite other shards in the folder')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nThe same text and settings give the same shards, byte for byte. Interrupted? Run the same command again: it goes on.\n' +
        'A token for the hub is read from the environment variable HF_TOKEN.\n\nExamples:\n  alice data build ./books --out ./books-shards\n' +
        '  alice data build hf:cerebras/SlimPajama-627B/train --tokenizer gpt2 --shards 60001 --validation-shards 50 --out ./slim',
    )
    .action(async (source: string, flags: BuildFlags) => {
      const { signal } = createLifecycle();
      const [{ buildShards }, { tokenizerIdOf }] = await Promise.all([
        import('../dataset/buildShards.js'),
        import('../dataset/tokenizerOf.js'),
      ]);
      const manifest = await buildShards(
        {
          source: placeOf(flags.source ?? source),
          outDir: resolve(flags.out),
          seed: flags.seed,
          quiet: flags.json ?? false,
          tokenizerId: flags.tokenizer ?? tokenizerIdOf(flags.preset),
          replace: flags.replace ?? false,
          skipInvalid: flags.skipInvalid ?? false,
          ...(flags.shardTokens === undefined ? {} : { shardTokens: flags.shardTokens }),
          more: limitsOf(flags),
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

/** Paths become absolute; addresses and "builtin" stay. */
function placeOf(source: string): string {
  return source === 'builtin' || /^(hf:|https?:)/.test(source) ? source : resolve(source);
}

function limitsOf(flags: BuildFlags): NonNullable<Parameters<typeof buildShards>[0]['more']> {
  const { tokens, shards, validationShards, auditShards, field: textField, workers } = flags;
  const given = { tokens, shards, validationShards, auditShards, textField, workers };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

interface VerifyFlags {
  tokenizer?: string;
  source?: string;
  samples: number;
  json?: boolean;
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'check every shard against the manifest (hashes, counts, vocabulary, root), and that no document is in two splits',
    )
    .argument('[dir]', 'folder of shards', join(DEFAULT_DIR, 'data'))
    .option('--tokenizer <id>', 'also check that the shards were made with this tokenizer')
    .option('--source <place>', 'also make samples again from the source, and compare')
    .option(
      '--samples <n>',
      'how many runs of documents to make again',
      integerOption('--samples', 1, 1_000_000),
      20,
    )
    .option('--json', 'answer as JSON')
    .action(async (dir: string, flags: VerifyFlags) => {
      const [data, { openTokenizer }] = await Promise.all([import('@alice/data'), import('@alice/model')]);
      const dataset = data.openDataset(resolve(dir));
      const id = flags.tokenizer ?? (flags.source === undefined ? undefined : dataset.manifest.tokenizer.id);
      const tokenizer = id === undefined ? undefined : await openTokenizer(id);
      const report = await data.verifyDataset(resolve(dir), tokenizer === undefined ? {} : { tokenizer });
      const problems = [...report.problems];
      const add = (errors: readonly (typeof problems)[number][]): void =>
        void problems.push(...errors.map(({ info, message }) => ({ info, message })));
      if (problems.length === 0) add(await data.verifySplits(dataset));
      let remade = 0;
      if (tokenizer !== undefined && flags.source !== undefined) {
        const seed = String(Date.now());
        const source = placeOf(flags.source);
        const check = await data.verifyAgainstSource({
          dataset,
          tokenizer,
          source,
          samples: flags.samples,
          seed,
        });
        remade = check.documents;
        add(check.problems);
      }
      if (flags.json)
        process.stdout.write(`${JSON.stringify({ ...report, problems, remadeDocuments: remade })}\n`);
      else {
        process.stdout.write(
          `${problems.length === 0 ? pc.green('✓') : pc.red('✗')} ${report.shards} shards, ${report.tokens} tokens, root ${report.root}\n` +
            (flags.source === undefined ? '' : `  ${remade} documents made again from the source\n`),
        );
        for (const { info, message } of problems)
          process.stdout.write(`  ${pc.red(info.code)}: ${message}\n`);
      }
      if (problems.length > 0) process.exitCode = 1;
    });
}

function statsCommand(): Command {
  return new Command('stats')
    .description('figures of a dataset: documents by length, source and fate')
    .argument('[dir]', 'folder of shards', join(DEFAULT_DIR, 'data'))
    .option('--svg <file>', 'also draw them')
    .option('--json', 'answer as JSON')
    .action(async (dir: string, flags: { svg?: string; json?: boolean }) => {
      const { datasetStats, openDataset, statsSvg } = await import('@alice/data');
      const dataset = openDataset(resolve(dir));
      const stats = await datasetStats(dataset);
      if (flags.svg !== undefined) await writeFile(flags.svg, statsSvg(stats, dataset.manifest.name));
      if (flags.json) return void process.stdout.write(`${JSON.stringify(stats)}\n`);
      for (const split of ['train', 'validation', 'audit'] as const)
        if (stats.tokens[split] > 0)
          process.stdout.write(
            `${split.padEnd(12)} ${stats.documents[split]} documents, ${stats.tokens[split]} tokens\n`,
          );
      process.stdout.write(`left out     ${stats.duplicatesDropped} duplicates, ${stats.skipped} faults\n`);
      for (const [i, count] of stats.lengths.entries())
        if (count > 0)
          process.stdout.write(`${String(2 ** i).padStart(9)} – ${2 ** (i + 1) - 1} tokens: ${count}\n`);
    });
}

function diffCommand(): Command {
  return new Command('diff')
    .description('what differs between two datasets, from their manifests')
    .argument('<before>', 'folder of shards')
    .argument('<after>', 'folder of shards')
    .option('--json', 'answer as JSON')
    .action(async (before: string, after: string, flags: { json?: boolean }) => {
      const { diffManifests, readManifest } = await import('@alice/data');
      const diff = diffManifests(readManifest(resolve(before)), readManifest(resolve(after)));
      if (flags.json) return void process.stdout.write(`${JSON.stringify(diff)}\n`);
      const lines = [
        ...diff.settings,
        ...diff.sourcesAdded.map((path) => pc.green(`+ ${path}`)),
        ...diff.sourcesRemoved.map((path) => pc.red(`- ${path}`)),
        ...diff.sourcesChanged.map((path) => pc.yellow(`~ ${path}`)),
        `${diff.shardsKept} of ${diff.shardsAfter} shards are also among the ${diff.shardsBefore} before`,
      ];
      process.stdout.write(diff.isSame ? 'the same shards\n' : `${lines.join('\n')}\n`);
    });
}

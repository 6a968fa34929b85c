/** @file `alice data build`: text, conversations or preference pairs → shards. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { DEFAULT_DIR } from '../commands/common.js';
import { NETWORK_PRESETS } from '../commands/presets.js';
import { CliError } from '../errors.js';
import { choiceOption, integerOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { numberOption } from '../training/numberOption.js';
import type { buildShards } from './buildShards.js';
import { placeOf } from './placeOf.js';

const KINDS = ['text', 'chat', 'preference'] as const;
type DataKind = (typeof KINDS)[number];
const NOUNS: Readonly<Record<DataKind, string>> = {
  text: 'documents',
  chat: 'conversations',
  preference: 'pairs',
};

interface BuildFlags {
  source?: string;
  kind: DataKind;
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
  validationFraction?: number;
  nearDuplicates?: 'keep' | 'drop' | 'ignore';
}

export function buildCommand(): Command {
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
    .option(
      '--kind <kind>',
      'text; chat: conversations, with a mask of what is learned; preference: a prompt with a chosen and a rejected answer',
      choiceOption('--kind', KINDS),
      'text',
    )
    .option('--out <dir>', 'where the shards go', join(DEFAULT_DIR, 'data'))
    .option(
      '--preset <name>',
      `the model they are for: ${NETWORK_PRESETS.join(', ')}`,
      choiceOption('--preset', NETWORK_PRESETS),
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
    .option(
      '--validation-fraction <part>',
      'part kept for validation (default: 0.03)',
      numberOption('--validation-fraction', 0.0001, 0.4999),
    )
    .option(
      '--near-duplicates <way>',
      'keep: never in two splits; drop: keep the first only; ignore: do not look (default: keep; ignore for builtin)',
      choiceOption('--near-duplicates', ['keep', 'drop', 'ignore'] as const),
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
        '  alice data build hf:cerebras/SlimPajama-627B/train --tokenizer gpt2 --shards 60001 --validation-shards 50 --out ./slim\n' +
        '  alice data build ./dialogues.jsonl --kind chat --tokenizer gpt2 --out ./dialogues\n\n' +
        'Conversations: JSON lines with messages (role, content), conversations (from, value), prompt and response, or question\n' +
        'and answer. Preferences: prompt, chosen, rejected. Learned are the answers only.',
    )
    .action(async (source: string, flags: BuildFlags) => {
      const { signal } = createLifecycle();
      const result = await (flags.kind === 'text' ? buildText : buildTalk)(source, flags, signal);
      if (flags.json)
        return void process.stdout.write(`${JSON.stringify({ ...result, dir: resolve(flags.out) })}\n`);
      const { root, shards, tokens, documents, skipped } = result;
      const leftOut =
        skipped === 0 ? '' : pc.yellow(`  ${skipped} faults left out: see "faults" in manifest.json\n`);
      process.stdout.write(
        `${pc.green('✓')} ${shards} shards, ${tokens} tokens, ${documents} ${NOUNS[flags.kind]} in ${resolve(flags.out)}\n` +
          `  root ${root}\n${leftOut}`,
      );
    });
}

interface Built {
  readonly root: string;
  readonly shards: number;
  readonly tokens: number;
  /** Documents, conversations or pairs. */
  readonly documents: number;
  /** Faults left out. */
  readonly skipped: number;
}

async function buildText(source: string, flags: BuildFlags, signal: AbortSignal): Promise<Built> {
  const [{ buildShards }, { tokenizerIdOf }] = await Promise.all([
    import('./buildShards.js'),
    import('./tokenizerOf.js'),
  ]);
  const { root, shards, documents, skipped } = await buildShards(
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
  return { root, shards: shards.length, documents, tokens: sumOf(shards, 'tokens'), skipped };
}

/** Conversations and preference pairs: options that are for text alone are refused, not passed over. */
async function buildTalk(
  source: string,
  flags: BuildFlags,
  signal: AbortSignal,
): Promise<Built & { learned: number }> {
  const unused = (
    ['tokens', 'shards', 'validationShards', 'auditShards', 'field', 'nearDuplicates'] as const
  ).find((name) => flags[name] !== undefined);
  const place = flags.source ?? source;
  if (unused !== undefined || place === 'builtin' || flags.kind === 'text')
    throw new CliError(
      { code: 'OPTION_INVALID', option: unused ?? 'source' },
      unused === undefined
        ? `--kind ${flags.kind} needs a source: .jsonl (also .gz, .zst) or .parquet files, or a data set on the hub`
        : `--kind ${flags.kind} takes no limit on ${unused}: it is for text`,
    );
  const [{ buildConversationShards }, { tokenizerIdOf }] = await Promise.all([
    import('./buildConversationShards.js'),
    import('./tokenizerOf.js'),
  ]);
  const { root, shards, records, skipped } = await buildConversationShards(
    {
      kind: flags.kind,
      source: placeOf(place),
      outDir: resolve(flags.out),
      seed: flags.seed,
      quiet: flags.json ?? false,
      tokenizerId: flags.tokenizer ?? tokenizerIdOf(flags.preset),
      replace: flags.replace ?? false,
      skipInvalid: flags.skipInvalid ?? false,
      shardTokens: flags.shardTokens,
      validationFraction: flags.validationFraction,
      workers: flags.workers,
    },
    { signal },
  );
  return {
    root,
    shards: shards.length,
    documents: records,
    tokens: sumOf(shards, 'tokens'),
    learned: sumOf(shards, 'learned'),
    skipped,
  };
}

function sumOf<K extends string>(items: readonly Readonly<Record<K, number>>[], key: K): number {
  return items.reduce((sum, item) => sum + item[key], 0);
}

function limitsOf(flags: BuildFlags): NonNullable<Parameters<typeof buildShards>[0]['more']> {
  const { tokens, shards, validationShards, auditShards, workers } = flags;
  const { field: textField, validationFraction, nearDuplicates } = flags;
  const given = {
    ...{ tokens, shards, validationShards, auditShards, workers },
    ...{ textField, validationFraction, nearDuplicates },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** @file `alice data verify`: every hash and count, split isolation, and samples made again from the source. */
import { join, resolve } from 'node:path';
import type { DatasetReport, NearSplitReport } from '@alice/data';
import { Command } from 'commander';
import pc from 'picocolors';
import { DEFAULT_DIR } from '../commands/common.js';
import { integerOption } from '../options.js';
import { placeOf } from './placeOf.js';
import { watchShards, withShardProgress } from './shardProgress.js';

interface VerifyFlags {
  tokenizer?: string;
  source?: string;
  samples: number;
  nearDuplicates?: boolean;
  json?: boolean;
}

export function verifyCommand(): Command {
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
    .option(
      '--near-duplicates',
      'also count near-duplicates across splits (reads all text, 2 KB of memory a held-out document)',
    )
    .option('--json', 'answer as JSON')
    .action(async (dir: string, flags: VerifyFlags) => {
      const [data, { openTokenizer }] = await Promise.all([import('@alice/data'), import('@alice/model')]);
      if (data.datasetKind(resolve(dir)) !== 'text') return verifyTalk(resolve(dir), flags);
      const dataset = data.openDataset(resolve(dir));
      const id = flags.tokenizer ?? (flags.source === undefined ? undefined : dataset.manifest.tokenizer.id);
      const tokenizer = id === undefined ? undefined : await openTokenizer(id);
      const { manifest } = dataset;
      const bar = { manifest, quiet: flags.json === true };
      const report = await withShardProgress({ label: 'checking shards', ...bar }, (onShard) =>
        data.verifyDataset(resolve(dir), { onShard, ...(tokenizer && { tokenizer }) }),
      );
      const problems = [...report.problems];
      const add = (errors: readonly (typeof problems)[number][]): void =>
        void problems.push(...errors.map(({ info, message }) => ({ info, message })));
      if (problems.length === 0)
        add(
          await withShardProgress({ label: 'comparing splits', ...bar }, (onShard) =>
            data.verifySplits(watchShards(dataset, onShard)),
          ),
        );
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
      const near =
        flags.nearDuplicates === true
          ? await withShardProgress({ label: 'looking for near-duplicates', ...bar }, async (onShard) =>
              data.verifyNearSplits(
                watchShards(dataset, onShard),
                await openTokenizer(manifest.tokenizer.id),
              ),
            )
          : undefined;
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ ...report, problems, remadeDocuments: remade, nearDuplicates: near })}\n`,
        );
      else
        process.stdout.write(
          reportText(
            { ...report, problems },
            (flags.source === undefined ? '' : `  ${remade} documents made again from the source\n`) +
              nearText(near),
          ),
        );
      if (problems.length > 0) process.exitCode = 1;
    });
}

/** A folder of conversations or preference pairs. */
async function verifyTalk(dir: string, { tokenizer, source, samples, json }: VerifyFlags): Promise<void> {
  const [data, { openTokenizer }] = await Promise.all([import('@alice/data'), import('@alice/model')]);
  const dataset = data.openConversations(dir);
  const report = await withShardProgress(
    { label: 'checking shards', manifest: dataset.manifest, quiet: json === true },
    (onShard) => data.verifyConversations(dir, { onShard }),
  );
  const { id } = dataset.manifest.tokenizer;
  const problems = [...report.problems];
  if (tokenizer !== undefined && tokenizer !== id)
    problems.push({
      info: { code: 'TOKENIZER_MISMATCH', expected: tokenizer, actual: id },
      message: `the conversations were made with tokenizer '${id}', not '${tokenizer}': build them again`,
    });
  let remade = '';
  if (source !== undefined) {
    const seed = String(Date.now());
    const made = { dataset, samples, seed, source: placeOf(source), tokenizer: await openTokenizer(id) };
    const check = await data.verifyConversationSource(made);
    problems.push(...check.problems.map(({ info, message }) => ({ info, message })));
    remade = `  ${check.documents} records made again from the source\n`;
  }
  if (json) process.stdout.write(`${JSON.stringify({ ...report, problems })}\n`);
  else process.stdout.write(reportText({ ...report, problems }, remade));
  if (problems.length > 0) process.exitCode = 1;
}

function nearText(near: NearSplitReport | undefined): string {
  if (near === undefined) return '';
  const places = near.examples.map(
    ({ shard, position, split }) => `    ${split}: shard ${shard}, token ${position}\n`,
  );
  return `  ${near.near} documents are near to one of ${near.heldOut} held-out ones of another split\n${places.join('')}`;
}

function reportText({ shards, tokens, root, problems }: DatasetReport, more = ''): string {
  const mark = problems.length === 0 ? pc.green('✓') : pc.red('✗');
  const lines = problems.map(({ info, message }) => `  ${pc.red(info.code)}: ${message}\n`);
  return `${mark} ${shards} shards, ${tokens} tokens, root ${root}\n${more}${lines.join('')}`;
}

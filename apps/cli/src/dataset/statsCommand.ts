/** @file `alice data stats`: figures of a dataset, as lines, JSON or a picture. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ConversationStats } from '@alice/data';
import { Command } from 'commander';
import { DEFAULT_DIR } from '../commands/common.js';
import { watchShards, withShardProgress } from './shardProgress.js';

const READING = { label: 'reading shards' };

export function statsCommand(): Command {
  return new Command('stats')
    .description('figures of a dataset: documents by length, source and fate')
    .argument('[dir]', 'folder of shards', join(DEFAULT_DIR, 'data'))
    .option('--svg <file>', 'also draw them')
    .option('--json', 'answer as JSON')
    .action(async (dir: string, flags: { svg?: string; json?: boolean }) => {
      const data = await import('@alice/data');
      if (data.datasetKind(resolve(dir)) !== 'text') {
        const dataset = data.openConversations(resolve(dir));
        const { manifest, records } = dataset;
        const stats = await withShardProgress(
          { ...READING, manifest, quiet: flags.json === true },
          (onShard) =>
            data.conversationStats({
              ...dataset,
              records: async (index) => {
                const found = await records(index);
                onShard(manifest.shards[index]!.tokens);
                return found;
              },
            }),
        );
        if (flags.svg !== undefined)
          await writeFile(flags.svg, data.conversationStatsSvg(stats, dataset.manifest.name));
        return void process.stdout.write(flags.json ? `${JSON.stringify(stats)}\n` : conversationText(stats));
      }
      const { datasetStats, openDataset, statsSvg } = data;
      const dataset = openDataset(resolve(dir));
      const bar = { ...READING, manifest: dataset.manifest, quiet: flags.json === true };
      const stats = await withShardProgress(bar, (onShard) => datasetStats(watchShards(dataset, onShard)));
      if (flags.svg !== undefined) await writeFile(flags.svg, statsSvg(stats, dataset.manifest.name));
      if (flags.json) return void process.stdout.write(`${JSON.stringify(stats)}\n`);
      for (const split of ['train', 'validation', 'audit'] as const)
        if (stats.tokens[split] > 0)
          process.stdout.write(
            `${split.padEnd(12)} ${stats.documents[split]} documents, ${stats.tokens[split]} tokens\n`,
          );
      const near = stats.nearDuplicates;
      const nearly =
        near === null ? 'near-duplicates not looked for' : `${near.dropped} near-duplicates (${near.mode})`;
      process.stdout.write(
        `left out     ${stats.duplicatesDropped} duplicates, ${nearly}, ${stats.skipped} faults\n`,
      );
      process.stdout.write(lengthsText(stats.lengths));
    });
}

function conversationText({
  kind,
  records,
  tokens,
  learned,
  duplicatesDropped,
  skipped,
  lengths,
  longer,
}: ConversationStats): string {
  const noun = kind === 'chat' ? 'conversations' : 'pairs';
  const splits = (['train', 'validation'] as const)
    .filter((split) => records[split] > 0)
    .map(
      (split) =>
        `${split.padEnd(12)} ${records[split]} ${noun}, ${tokens[split]} tokens, ${learned[split]} of them learned\n`,
    );
  const longerText =
    longer === null
      ? ''
      : `longer       chosen ${longer.chosen} times, rejected ${longer.rejected}, neither ${longer.neither}\n`;
  return (
    `${splits.join('')}left out     ${duplicatesDropped} duplicates, ${skipped} faults\n` +
    `${longerText}${lengthsText(lengths)}`
  );
}

function lengthsText(lengths: readonly number[]): string {
  return lengths
    .map((count, i) =>
      count === 0 ? '' : `${String(2 ** i).padStart(9)} – ${2 ** (i + 1) - 1} tokens: ${count}\n`,
    )
    .join('');
}

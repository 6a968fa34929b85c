/** @file `alice data diff`: what differs between two datasets, for people who decide on sources. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';

export function diffCommand(): Command {
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

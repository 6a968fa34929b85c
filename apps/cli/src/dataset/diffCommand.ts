/** @file `alice data diff`: what differs between two datasets, for people who decide on sources. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';

export function diffCommand(): Command {
  return new Command('diff')
    .description('what differs between two datasets (texts or conversations), from their manifests')
    .argument('<before>', 'folder of shards')
    .argument('<after>', 'folder of shards')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nFirst the settings and totals that differ, then sources added (+), removed (-) and changed (~), then how many shards are\n' +
        'in both. A network names its data by the root: another root is another dataset.\n\n' +
        'Example:\n  alice data diff ./slim ./slim-next',
    )
    .action(async (before: string, after: string, flags: { json?: boolean }) => {
      const { diffManifests, readAnyManifest } = await import('@alice/data');
      const diff = diffManifests(readAnyManifest(resolve(before)), readAnyManifest(resolve(after)));
      if (flags.json) return void process.stdout.write(`${JSON.stringify(diff)}\n`);
      const lines = [
        ...diff.settings,
        ...diff.sourcesAdded.map((path) => pc.green(`+ ${path}`)),
        ...diff.sourcesRemoved.map((path) => pc.red(`- ${path}`)),
        ...diff.sourcesChanged.map((path) => pc.yellow(`~ ${path}`)),
        `${diff.shardsKept} of ${diff.shardsAfter} shards are also among the ${diff.shardsBefore} before`,
      ];
      if (diff.isSame) lines.unshift('the same shards in the same order');
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

/** @file A table and the assertions of an experiment as Markdown. */
import type { Finding } from '../experiments/Experiment.js';

export function markdownOf(
  { table, assertions }: Finding,
  { id, about, command }: { id: string; about: string; command: string },
): string {
  const [heading, ...lines] = table;
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const failed = assertions.filter(({ holds }) => !holds).length;
  return [
    `# ${id}`,
    '',
    `${about}. Made by \`${command}\`.`,
    '',
    row(heading!),
    row(heading!.map(() => '---')),
    ...lines.map(row),
    '',
    `Assertions: ${assertions.length - failed} of ${assertions.length} hold.`,
    '',
    ...assertions.map(
      ({ claim, holds, found }) => `- ${holds ? 'holds' : '**fails**'}: ${claim} (found ${found})`,
    ),
    '',
  ].join('\n');
}

/** @file A recovery phrase as it is shown once: in rows that fit, so that no word is broken at the edge of the terminal. */
import pc from 'picocolors';

const INDENT = '  ';
const DEFAULT_COLUMNS = 80;

export function phraseLines(phrase: string, columns = process.stderr.columns ?? DEFAULT_COLUMNS): string[] {
  const rows: string[] = [];
  for (const word of phrase.split(' ')) {
    const longer = rows.length === 0 ? word : `${rows.at(-1)} ${word}`;
    if (rows.length > 0 && INDENT.length + longer.length < columns) rows[rows.length - 1] = longer;
    else rows.push(word);
  }
  return rows.map((row) => `${INDENT}${pc.bold(row)}`);
}

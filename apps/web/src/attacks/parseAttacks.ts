/** @file Reads the laboratory's table of attacks: the one table of its report, and the line that says how many assertions hold. */

export interface AttackTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly assertions: string;
}

export function parseAttacks(markdown: string): AttackTable {
  const lines = markdown.split('\n');
  const [head = '', , ...body] = lines.filter((line) => line.startsWith('|'));
  const cells = (line: string): string[] =>
    line
      .replace(/^\||\|\s*$/g, '')
      .split('|')
      .map((cell) => cell.trim());
  return {
    columns: cells(head),
    rows: body.map(cells),
    assertions: lines.find((line) => line.startsWith('Assertions:')) ?? '',
  };
}

/** @file Rounds as CSV and back: the one record of an experiment, from which tables and plots are made again. */
import type { RoundRow } from '../experiments/Experiment.js';

const TEXT = ['arm', 'honestCovered', 'hostileCovered', 'refusals', 'stateRoot'];
const COLUMNS: readonly (keyof RoundRow)[] = [
  'arm',
  'round',
  'lossNats',
  'tokens',
  'uplinkBytes',
  'applied',
  'honestSent',
  'honestAccepted',
  'honestSteps',
  'honestPaidNats',
  'hostileSent',
  'hostileAccepted',
  'hostileSteps',
  'hostilePaidNats',
  'honestCovered',
  'hostileCovered',
  'refusals',
  'stateRoot',
];

/** Fields are not quoted: a name with a comma is a mistake in the experiment. */
export function toCsv(rows: readonly RoundRow[]): string {
  const cell = (value: string | number): string =>
    typeof value === 'string'
      ? plain(value)
      : String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
  return `${[COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => cell(row[name])).join(','))].join('\n')}\n`;
}

export function parseCsv(text: string): RoundRow[] {
  const [heading, ...lines] = text.trimEnd().split('\n');
  const names = heading!.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(
      names.map((name, i) => [name, TEXT.includes(name) ? cells[i]! : Number(cells[i])]),
    ) as unknown as RoundRow;
  });
}

function plain(text: string): string {
  if (/[,"\n]/.test(text)) throw new Error(`the CSV of the lab has no quotes: rename "${text}"`);
  return text;
}

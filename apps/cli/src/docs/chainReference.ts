/** @file The chain's reference page, made from the metadata that every node serves: what a wallet sees is what is written. */
import type { CaseDescription, FieldDescription, PalletDescription, RuntimeDescription } from '@alice/node';

/** Every pallet of the runtime, then the types it uses, as Markdown. */
export function chainReference({ pallets, types }: RuntimeDescription): string {
  return [
    '# The chain: pallets, calls, storage, events, errors',
    'Made from the metadata of the runtime, the same that `state_getMetadata` answers. Amounts are planck (10⁻¹² ALICE), times milliseconds since 1970. A number before a name is its index in the encoding.',
    ...pallets.flatMap(palletSection),
    '## Types',
    ...types.map(({ name, fields, cases }) =>
      [`### Type ${name}`, ...(cases.length > 0 ? [casesTable('case', cases)] : [fieldsTable(fields)])].join(
        '\n\n',
      ),
    ),
  ].join('\n\n');
}

function palletSection({
  name,
  index,
  calls,
  storage,
  events,
  errors,
  constants,
}: PalletDescription): string[] {
  const part = (title: string, isThere: boolean, table: string): string[] =>
    isThere ? [`### ${name}: ${title}\n\n${table}`] : [];
  return [
    `## ${name}`,
    `Pallet ${index}.`,
    ...part('calls', calls.length > 0, casesTable('call', calls)),
    ...part(
      'storage',
      storage.length > 0,
      tableOf(
        ['item', 'key', 'value', ''],
        storage.map((item) => [
          code(item.name),
          item.key ? code(item.key) : '–',
          code(item.value),
          item.docs,
        ]),
      ),
    ),
    ...part('events', events.length > 0, casesTable('event', events)),
    ...part('errors', errors.length > 0, casesTable('error', errors)),
    ...part(
      'constants',
      constants.length > 0,
      tableOf(
        ['constant', 'type', 'value', ''],
        constants.map(({ name: own, type, value, docs }) => [
          ...[code(own), code(type)],
          ...[code(typeof value === 'string' ? value : JSON.stringify(value)), docs],
        ]),
      ),
    ),
  ];
}

const casesTable = (kind: string, cases: readonly CaseDescription[]): string =>
  tableOf(
    [kind, 'fields', ''],
    cases.map(({ name, index, fields, docs }) => [`${index} ${code(name)}`, fieldsText(fields), docs]),
  );

const fieldsTable = (fields: readonly FieldDescription[]): string =>
  tableOf(
    ['field', 'type'],
    fields.map(({ name, type }, i) => [code(name ?? String(i)), code(type)]),
  );

const fieldsText = (fields: readonly FieldDescription[]): string =>
  fields.length === 0
    ? '–'
    : fields.map(({ name, type }) => code(name === undefined ? type : `${name}: ${type}`)).join(' ');

const code = (text: string): string => `\`${text}\``;

function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n');
}

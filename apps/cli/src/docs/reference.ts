/** @file Reference pages made from what the program itself says: commands from the command line, routes from the protocol's table. */
import { type Route, routes } from '@alice/protocol';
import type { CommandWithHelp } from '../commands/commands.js';

/** Every command with its own help, as Markdown. */
export function commandReference(program: CommandWithHelp): string {
  const section = (command: CommandWithHelp): string[] => [
    `## ${command.path}\n\n\`\`\`text\n${command.help.trim()}\n\`\`\`\n`,
    ...command.commands.flatMap(section),
  ];
  return [
    '# Commands\n',
    'Made from the program itself: what each command says with `--help`. `npm run alice -- …` runs them in a clone.\n',
    ...program.commands.filter(({ name }) => name !== 'help').flatMap(section),
  ].join('\n');
}

/** Every HTTP route of the parameter server with its messages, as Markdown. */
export function routeReference(): string {
  const sections = Object.entries(routes as Record<string, Route>).map(([name, route]) =>
    [
      `## ${route.method} ${route.path}\n`,
      `Called \`${name}\` in the client. ${WHO[route.access]}\n`,
      ...(route.body === undefined ? [] : [messageTable('Body', route.body)]),
      messageTable('Answer', route.answer),
    ].join('\n'),
  );
  return [
    '# HTTP routes of the parameter server\n',
    'Made from the schemas that check every message (`packages/protocol/src/api`). Errors are `{code, message, info?}`.\n',
    ...sections,
  ].join('\n');
}

const WHO: Readonly<Record<Route['access'], string>> = {
  public: 'Anyone may call it.',
  open: 'Anyone may call it; a token may open more.',
  miner: 'For holders of a miner’s token.',
  scorer: 'For holders of a scorer’s token.',
  member: 'For holders of any token.',
};

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

function messageTable(title: string, message: Route['answer']): string {
  if (message === 'bytes') return `${title}: bytes (\`application/octet-stream\`).\n`;
  const rows = fieldRows(message as Schema, '');
  if (rows.length === 0) return `${title}: an empty object.\n`;
  return `${title}:\n\n| field | type | |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** Nested objects and lists of objects get a row for each of their fields. */
function fieldRows(schema: Schema, at: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${at}${name}`;
    const optional = schema.required?.includes(name) ? '' : 'may be absent';
    const inner = field.properties ? field : field.items?.properties ? field.items : undefined;
    const row = `| \`${path}\` | ${typeName(field)} | ${[optional, bounds(field)].filter(Boolean).join('; ')} |`;
    return [row, ...(inner ? fieldRows(inner, `${path}${field.items ? '[].' : '.'}`) : [])];
  });
}

function typeName(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return schema.anyOf.map(typeName).join(' or ');
  if (schema.items) return `list of ${typeName(schema.items)}`;
  if (schema.patternProperties) return `map to ${typeName(Object.values(schema.patternProperties)[0] ?? {})}`;
  return schema.type ?? 'anything';
}

function bounds({ pattern, minimum, maximum, exclusiveMinimum, maxLength, maxItems }: Schema): string {
  return [
    pattern && `\`${pattern.replaceAll('|', '\\|')}\``,
    minimum !== undefined && `≥ ${minimum}`,
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`,
    maximum !== undefined && `≤ ${maximum}`,
    maxLength !== undefined && `at most ${maxLength} characters`,
    maxItems !== undefined && `at most ${maxItems}`,
  ]
    .filter(Boolean)
    .join(', ');
}

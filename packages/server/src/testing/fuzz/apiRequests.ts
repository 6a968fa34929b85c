/**
 * @file Requests made from the server's own OpenAPI document, then spoilt: wrong types, huge numbers, NUL and halves of
 * surrogate pairs, keys of prototypes, paths that climb, methods that are not there, headers that lie, and bytes that are no
 * HTTP. All of it is a function of the random source.
 */
import type { Random } from '@alice/protocol';
import type { TSchema } from '@sinclair/typebox';
import fc from 'fast-check';
import { arbitraryOf } from '../arbitraryOf.js';

export interface Operation {
  readonly path: string;
  readonly method: string;
  /** Role whose token it takes; undefined: none. */
  readonly role: string | undefined;
  readonly schema: TSchema | 'bytes' | undefined;
  readonly contentType: string | undefined;
  /** Schemas of headers that it reads; those it can do without come at times. */
  readonly headers: readonly {
    readonly name: string;
    readonly isRequired: boolean;
    readonly schema: TSchema;
  }[];
}

export interface ApiRequest {
  readonly operation: Operation;
  readonly bytes: Buffer;
  /** As the document describes it, so that the answer must be one that it describes. */
  readonly isAsDescribed: boolean;
}

interface Parts {
  method: string;
  target: string;
  headers: [string, string][];
  body: Buffer;
}

interface DocumentOperation {
  readonly 'x-role'?: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: TSchema }>> };
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: TSchema;
  }[];
}

export function operationsOf(document: {
  paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>;
}): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { content } = operation.requestBody ?? {};
      const schema = content?.['application/json']?.schema ?? (content ? 'bytes' : undefined);
      const headers = (operation.parameters ?? [])
        .filter(({ in: place }) => place === 'header')
        .map(({ name, required, schema }) => ({ name, isRequired: required, schema }));
      const contentType = content && Object.keys(content)[0];
      return { path, method: method.toUpperCase(), role: operation['x-role'], schema, contentType, headers };
    }),
  );
}

/** `known`: words that lead somewhere, such as ids of what is there. `tokenOf`: a good token of the role. */
export function createApiRequests(
  operations: readonly Operation[],
  { known, tokenOf }: { known: readonly string[]; tokenOf: (role: string) => string },
): (random: Random) => ApiRequest {
  const described = new Map(
    operations.flatMap((operation) =>
      operation.schema && operation.schema !== 'bytes' ? [[operation, arbitraryOf(operation.schema)]] : [],
    ),
  );
  const good = (random: Random, operation: Operation): Parts => {
    const arbitrary = described.get(operation);
    const body = arbitrary
      ? Buffer.from(
          JSON.stringify(noWaiting(fc.sample(arbitrary, { seed: random.below(2 ** 31), numRuns: 1 })[0])),
        )
      : operation.schema === 'bytes'
        ? junk(random, random.below(400))
        : Buffer.alloc(0);
    return {
      method: operation.method,
      target: operation.path.replace(/\{\w+\}/g, () => encodeURIComponent(pick(random, known))),
      headers: [
        ['host', 'x'],
        ['connection', 'close'],
        ...(operation.role
          ? [['authorization', `Bearer ${tokenOf(operation.role)}`] as [string, string]]
          : []),
        ...(operation.contentType ? [['content-type', operation.contentType] as [string, string]] : []),
        ...headersOf(random, operation),
      ],
      body,
    };
  };
  return (random) => {
    const operation = pick(random, operations);
    const parts = good(random, operation);
    const spoils = random.below(5);
    for (let i = 0; i < spoils; i++) pick(random, SPOILERS)(random, parts);
    const bytes = serialize(parts);
    if (spoils > 0 && random.below(12) === 0)
      return { operation, bytes: tear(random, bytes), isAsDescribed: false };
    return { operation, bytes, isAsDescribed: spoils === 0 };
  };
}

function headersOf(random: Random, { headers }: Operation): [string, string][] {
  return headers
    .filter(({ isRequired }) => isRequired || random.below(2) === 0)
    .map(({ name, schema }) => {
      const [value] = fc.sample(arbitraryOf(schema), { seed: random.below(2 ** 31), numRuns: 1 });
      return [name, String(value).replace(/[^\x20-\x7e]/g, '')];
    });
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)]!;
const junk = (random: Random, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => random.below(256)));

/** A long poll would wait as long as it is told. */
function noWaiting(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'waitMs' in value ? { ...value, waitMs: 0 } : value;
}

function serialize({ method, target, headers, body }: Parts): Buffer {
  const given = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const length: [string, string][] =
    given || body.length === 0 ? [] : [['content-length', String(body.length)]];
  const lines = [...headers, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`, 'latin1'), body]);
}

/** Cut, or with bytes changed or put in. */
function tear(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length);
  const kinds = [
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(0, at), junk(random, 1 + random.below(20)), bytes.subarray(at)]),
    () => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
    () => Buffer.concat([bytes, bytes]),
    () => Buffer.concat([junk(random, 64), bytes]),
  ];
  return pick(random, kinds)();
}

const WORDS = [
  ...[
    '%00',
    'a%00b',
    '%ED%A0%80',
    '%FF%FE',
    '%',
    '%zz',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e',
    '..',
    '.',
    '//',
  ],
  ...['0', '-1', '1e9', '999999999', '99999999999999999999', '0x', 'NaN', 'null', '__proto__', 'constructor'],
  ...[
    `0x${'0'.repeat(64)}`,
    `0x${'f'.repeat(32)}`,
    "'%20OR%201=1--",
    '%F0%9F%92%A9',
    'x'.repeat(127),
    'x'.repeat(5_000),
  ],
];
const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'get',
  'G\0T',
  'CONNECT',
];
/** As JSON text, since not all of it is what `JSON.stringify` would write. */
const VALUES = [
  ...[
    'null',
    'true',
    '[]',
    '{}',
    '""',
    '0',
    '-1',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740993',
    '0.1',
    '-0',
  ],
  ...[
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u202e\\u0000x"',
    `"${'a'.repeat(9_000)}"`,
    '"0x"',
    '"💩"',
  ],
  ...[
    '{"__proto__":{"isAdmin":true}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"\\u0000":1}',
    `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
  ],
];
const HEADERS: readonly [string, string][] = [
  ['authorization', 'Bearer '],
  ['authorization', `Bearer ${'A'.repeat(43)}`],
  ['authorization', `bearer ${'%00'.repeat(20)}`],
  ['authorization', `Basic ${'='.repeat(8_000)}`],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', 'text/plain'],
  ['content-type', 'application/octet-stream;'.repeat(50)],
  ['content-type', '\u00ff/\u00ff'],
  ['content-encoding', 'gzip'],
  ['content-length', '-1'],
  ['content-length', '99999999999999999999'],
  ['content-length', '5'],
  ['transfer-encoding', 'chunked'],
  ['transfer-encoding', 'chunked, identity'],
  ['expect', '100-continue'],
  ['expect', 'the unexpected'],
  ['upgrade', 'websocket'],
  ['repr-digest', `sha-256=:${'A'.repeat(43)}=:`],
  ['upload-offset', '-1'],
  ['upload-offset', '9'.repeat(15)],
  ['upload-complete', '?0'],
  ['range', 'bytes=0-0'],
  ['range', 'bytes=9-1,0-0'],
  ['range', `bytes=${'0-1,'.repeat(1_000)}`],
  ['range', 'bytes=99999999999999999-'],
  ['if-none-match', '*'],
  ['if-range', '"x"'],
  ['x-forwarded-for', '127.0.0.1'],
  ['x-http-method-override', 'DELETE'],
  ['host', ''],
  ['host', '[::1]:99999'],
  ['accept', '\u0001'],
  ['cookie', 'a='.repeat(4_000)],
  ['x'.repeat(20_000), 'x'],
];

type Spoiler = (random: Random, parts: Parts) => void;

const SPOILERS: readonly Spoiler[] = [
  (random, parts) => {
    parts.target = parts.target.replace(/(?<=\/)[^/]*$/, () => pick(random, WORDS));
  },
  (random, parts) => {
    const words = parts.target.split('/');
    words[1 + random.below(words.length - 1)] = pick(random, WORDS);
    parts.target = words.join('/');
  },
  (random, parts) => {
    const query = pick(random, ['a=1&', 'waitMs=0&', 'a[]=1&', '__proto__[x]=1&', '%00=%00&', '&']);
    parts.target += `?${query.repeat(1 + random.below(1_500))}`;
  },
  (random, parts) => {
    parts.method = pick(random, METHODS);
  },
  (random, parts) => {
    parts.headers.push(pick(random, HEADERS));
  },
  (random, parts) => {
    parts.headers = parts.headers.filter(() => random.below(3) > 0);
  },
  (random, parts) => {
    parts.headers.push(...Array.from({ length: random.below(300) }, (): [string, string] => ['x-many', 'x']));
  },
  replaceValue,
  replaceValue,
  addKey,
  (random, parts) => {
    parts.body = parts.body.subarray(0, random.below(parts.body.length + 1));
  },
  (random, parts) => {
    parts.body = Buffer.concat([parts.body, junk(random, random.below(20_000))]);
  },
  (random, parts) => {
    parts.body = Buffer.from(pick(random, VALUES));
  },
];

/** One value of the JSON text by another. */
function replaceValue(random: Random, parts: Parts): void {
  const values = [
    ...parts.body
      .toString('utf8')
      .matchAll(/(?<=[:[,]\s*)("(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null)/g),
  ];
  const found = values[random.below(Math.max(1, values.length))];
  if (!found) return;
  const text = parts.body.toString('utf8');
  parts.body = Buffer.from(
    text.slice(0, found.index) + pick(random, VALUES) + text.slice(found.index + found[0].length),
  );
}

function addKey(random: Random, parts: Parts): void {
  const key = pick(random, ['"__proto__"', '"constructor"', '"extra"', '"\\u0000"', '"address"', '"waitMs"']);
  const value = key === '"waitMs"' ? '0' : pick(random, VALUES);
  parts.body = Buffer.from(parts.body.toString('utf8').replace('{', `{${key}:${value},`));
}

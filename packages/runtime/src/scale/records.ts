/**
 * @file Named SCALE types: structs and wrappers (scale-info composites) and enums (variants). Field and case order is
 * the declaration's; case indices are explicit and must never be reused.
 */

import type { ByteReader } from './ByteReader.js';
import { invalid } from './ByteReader.js';
import type { ByteWriter } from './ByteWriter.js';
import type { IdOf, ScaleType, TypeField, TypeParameter, ValueOf } from './ScaleType.js';

/** Field name → type. A field's shown type name is the type's own. */
export type Fields = Readonly<Record<string, ScaleType<unknown>>>;
export type FieldValues<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

type Parameters = Readonly<Record<string, ScaleType<unknown>>>;

const pathOf = (path: string): string[] => (path === '' ? [] : path.split('::'));
const parametersOf = (params: Parameters, idOf: IdOf): TypeParameter[] =>
  Object.entries(params).map(([name, type]) => ({ name, type: idOf(type) }));

/** The fields' description, in order. */
export function describeFields(fields: Fields, idOf: IdOf): TypeField[] {
  return Object.entries(fields).map(([name, type]) => ({
    name,
    type: idOf(type),
    typeName: type.name,
    docs: [],
  }));
}

function writeFields(entries: readonly [string, ScaleType<unknown>][], out: ByteWriter, value: object): void {
  for (const [name, type] of entries) type.write(out, (value as Record<string, unknown>)[name]);
}

function readFields(entries: readonly [string, ScaleType<unknown>][], from: ByteReader): object {
  const value: Record<string, unknown> = {};
  for (const [name, type] of entries) value[name] = type.read(from);
  return value;
}

const leastBytes = (fields: Fields): number =>
  Object.values(fields).reduce((sum, type) => sum + type.minBytes, 0);

/** A struct with named fields. */
export function struct<const F extends Fields>(
  path: string,
  fields: F,
  params: Parameters = {},
): ScaleType<FieldValues<F>> {
  const entries = Object.entries(fields);
  return {
    name: pathOf(path).at(-1)!,
    minBytes: leastBytes(fields),
    write: (out, value) => writeFields(entries, out, value),
    read: (from) => readFields(entries, from) as FieldValues<F>,
    describe: (idOf) => ({
      path: pathOf(path),
      params: parametersOf(params, idOf),
      def: { tag: 'composite', value: describeFields(fields, idOf) },
    }),
  };
}

/** A struct around one unnamed value, encoded as that value alone; `name` is how fields of this type are shown. */
export function wrapper<T>(
  path: string,
  inner: ScaleType<T>,
  name = pathOf(path).at(-1)!,
  params: Parameters = {},
): ScaleType<T> {
  return {
    name,
    minBytes: inner.minBytes,
    write: (out, value) => inner.write(out, value),
    read: (from) => inner.read(from),
    describe: (idOf) => ({
      path: pathOf(path),
      params: parametersOf(params, idOf),
      def: {
        tag: 'composite',
        value: [{ name: undefined, type: idOf(inner), typeName: inner.name, docs: [] }],
      },
    }),
  };
}

/** One case of an enum: no payload, one unnamed value (`of`), or named fields. */
export interface EnumCase {
  readonly index: number;
  readonly of?: ScaleType<unknown>;
  readonly fields?: Fields;
  readonly docs?: readonly string[];
}
export type EnumCases = Readonly<Record<string, EnumCase>>;

type CaseValue<C extends EnumCase> = C extends { readonly of: infer S }
  ? ValueOf<S>
  : C extends { readonly fields: infer F extends Fields }
    ? FieldValues<F>
    : undefined;
export type EnumValue<C extends EnumCases> = {
  [K in keyof C & string]: { readonly type: K; readonly value: CaseValue<C[K]> };
}[keyof C & string];

interface CompiledCase {
  readonly name: string;
  readonly index: number;
  readonly write: (out: ByteWriter, value: unknown) => void;
  readonly read: (from: ByteReader) => unknown;
}

function compileCase(name: string, { index, of, fields }: EnumCase): CompiledCase {
  if (of) return { name, index, write: (out, value) => of.write(out, value), read: (from) => of.read(from) };
  if (!fields) return { name, index, write: () => undefined, read: () => undefined };
  const entries = Object.entries(fields);
  return {
    name,
    index,
    write: (out, value) => writeFields(entries, out, value as object),
    read: (from) => readFields(entries, from),
  };
}

function describeCase({ of, fields }: EnumCase, idOf: IdOf): TypeField[] {
  if (of) return [{ name: undefined, type: idOf(of), typeName: of.name, docs: [] }];
  return fields ? describeFields(fields, idOf) : [];
}

/** An enum: one index byte, then the case's payload. Values are `{ type, value }`. */
export function enumOf<const C extends EnumCases>(
  path: string,
  cases: C,
  params: Parameters = {},
): ScaleType<EnumValue<C>> {
  const compiled = Object.entries(cases).map(([name, shape]) => compileCase(name, shape));
  const byName = new Map(compiled.map((entry) => [entry.name, entry]));
  const byIndex = new Map(compiled.map((entry) => [entry.index, entry]));
  if (byIndex.size !== compiled.length) throw new Error(`cannot happen: ${path} uses an index twice`);
  return {
    name: pathOf(path).at(-1)!,
    minBytes: 1,
    write: (out, value) => {
      const found = byName.get(value.type);
      if (!found) throw new Error(`cannot happen: ${path} has no case ${value.type}`);
      out.u8(found.index);
      found.write(out, value.value);
    },
    read: (from) => {
      const found = byIndex.get(from.u8());
      if (!found) throw invalid(`${path} has no such case`);
      return { type: found.name, value: found.read(from) } as EnumValue<C>;
    },
    describe: (idOf) => ({
      path: pathOf(path),
      params: parametersOf(params, idOf),
      def: {
        tag: 'variant',
        value: Object.entries(cases).map(([name, shape]) => ({
          name,
          index: shape.index,
          fields: describeCase(shape, idOf),
          docs: [...(shape.docs ?? [])],
        })),
      },
    }),
  };
}

/** An enum without payloads; values are the case names. Indices are the positions. */
export function plainEnum<const N extends readonly string[]>(path: string, names: N): ScaleType<N[number]> {
  return {
    name: pathOf(path).at(-1)!,
    minBytes: 1,
    write: (out, value) => {
      const index = names.indexOf(value);
      if (index < 0) throw new Error(`cannot happen: ${path} has no case ${value}`);
      out.u8(index);
    },
    read: (from) => {
      const name = names[from.u8()];
      if (name === undefined) throw invalid(`${path} has no such case`);
      return name;
    },
    describe: () => ({
      path: pathOf(path),
      params: [],
      def: { tag: 'variant', value: names.map((name, index) => ({ name, index, fields: [], docs: [] })) },
    }),
  };
}

/** @file SCALE's collections: byte strings, fixed arrays, lists, tuples, options and results. */
import { invalid } from './ByteReader.js';
import { u8 } from './primitives.js';
import type { ScaleType, ValueOf } from './ScaleType.js';

/** `[u8; length]` as raw bytes. */
export function byteArray(length: number): ScaleType<Uint8Array> {
  return {
    name: `[u8; ${length}]`,
    minBytes: length,
    write: (out, value) => {
      if (value.length !== length)
        throw new Error(`cannot happen: ${value.length} bytes where ${length} belong`);
      out.raw(value);
    },
    read: (from) => from.raw(length),
    describe: (idOf) => ({
      path: [],
      params: [],
      def: { tag: 'array', value: { len: length, type: idOf(u8) } },
    }),
  };
}

/** `Vec<u8>` as raw bytes. */
export const bytes: ScaleType<Uint8Array> = {
  name: 'Vec<u8>',
  minBytes: 1,
  write: (out, value) => {
    out.compact(value.length);
    out.raw(value);
  },
  read: (from) => from.raw(from.count(1)),
  describe: (idOf) => ({ path: [], params: [], def: { tag: 'sequence', value: idOf(u8) } }),
};

export function vec<T>(item: ScaleType<T>): ScaleType<readonly T[]> {
  return {
    name: `Vec<${item.name}>`,
    minBytes: 1,
    write: (out, values) => {
      out.compact(values.length);
      for (const value of values) item.write(out, value);
    },
    read: (from) => {
      const count = from.count(item.minBytes);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(from));
      return values;
    },
    describe: (idOf) => ({ path: [], params: [], def: { tag: 'sequence', value: idOf(item) } }),
  };
}

type Values<S extends readonly ScaleType<unknown>[]> = { readonly [I in keyof S]: ValueOf<S[I]> };

export function tuple<const S extends readonly ScaleType<unknown>[]>(...items: S): ScaleType<Values<S>> {
  return {
    name: `(${items.map((item) => item.name).join(', ')})`,
    minBytes: items.reduce((sum, item) => sum + item.minBytes, 0),
    write: (out, values) => {
      items.forEach((item, i) => {
        item.write(out, values[i]);
      });
    },
    read: (from) => items.map((item) => item.read(from)) as unknown as Values<S>,
    describe: (idOf) => ({ path: [], params: [], def: { tag: 'tuple', value: items.map(idOf) } }),
  };
}

export function option<T>(inner: ScaleType<T>): ScaleType<T | undefined> {
  return {
    name: `Option<${inner.name}>`,
    minBytes: 1,
    write: (out, value) => {
      out.u8(value === undefined ? 0 : 1);
      if (value !== undefined) inner.write(out, value);
    },
    read: (from) => {
      const tag = from.u8();
      if (tag > 1) throw invalid('an option is neither none nor some');
      return tag === 1 ? inner.read(from) : undefined;
    },
    describe: (idOf) => ({
      path: ['Option'],
      params: [{ name: 'T', type: idOf(inner) }],
      def: {
        tag: 'variant',
        value: [
          { name: 'None', index: 0, fields: [], docs: [] },
          {
            name: 'Some',
            index: 1,
            fields: [{ name: undefined, type: idOf(inner), typeName: undefined, docs: [] }],
            docs: [],
          },
        ],
      },
    }),
  };
}

/** `Result<T, E>` as `{ ok }` or `{ error }`. */
export type ResultValue<T, E> = { readonly ok: T } | { readonly error: E };

export function result<T, E>(ok: ScaleType<T>, error: ScaleType<E>): ScaleType<ResultValue<T, E>> {
  const unnamed = (type: number) => [{ name: undefined, type, typeName: undefined, docs: [] }];
  return {
    name: `Result<${ok.name}, ${error.name}>`,
    minBytes: 1,
    write: (out, value) => {
      out.u8('ok' in value ? 0 : 1);
      if ('ok' in value) ok.write(out, value.ok);
      else error.write(out, value.error);
    },
    read: (from) => {
      const tag = from.u8();
      if (tag > 1) throw invalid('a result is neither ok nor error');
      return tag === 0 ? { ok: ok.read(from) } : { error: error.read(from) };
    },
    describe: (idOf) => ({
      path: ['Result'],
      params: [
        { name: 'T', type: idOf(ok) },
        { name: 'E', type: idOf(error) },
      ],
      def: {
        tag: 'variant',
        value: [
          { name: 'Ok', index: 0, fields: unnamed(idOf(ok)), docs: [] },
          { name: 'Err', index: 1, fields: unnamed(idOf(error)), docs: [] },
        ],
      },
    }),
  };
}

/** @file SCALE's primitive types: integers (`number` to 32 bits, `bigint` above), booleans, text, compact integers. */
import { utf8 } from '@alice/protocol';
import { invalid } from './ByteReader.js';
import type { PrimitiveName, ScaleType } from './ScaleType.js';

type Codec<T> = Pick<ScaleType<T>, 'write' | 'read'>;

function primitive<T>(name: PrimitiveName, minBytes: number, codec: Codec<T>): ScaleType<T> {
  const describe = () => ({
    path: [],
    params: [],
    def: { tag: 'primitive', value: { tag: name, value: undefined } } as const,
  });
  return { name, minBytes, describe, ...codec };
}

export const u8 = primitive<number>('u8', 1, {
  write: (out, value) => out.u8(value),
  read: (from) => from.u8(),
});
export const u16 = primitive<number>('u16', 2, {
  write: (out, value) => out.u16(value),
  read: (from) => from.u16(),
});
export const u32 = primitive<number>('u32', 4, {
  write: (out, value) => out.u32(value),
  read: (from) => from.u32(),
});
export const u64 = primitive<bigint>('u64', 8, {
  write: (out, value) => out.u64(value),
  read: (from) => from.u64(),
});
export const u128 = primitive<bigint>('u128', 16, {
  write: (out, value) => out.u128(value),
  read: (from) => from.u128(),
});

export const bool = primitive<boolean>('bool', 1, {
  write: (out, value) => out.u8(value ? 1 : 0),
  read: (from) => {
    const byte = from.u8();
    if (byte > 1) throw invalid('a boolean is neither 0 nor 1');
    return byte === 1;
  },
});

export const text = primitive<string>('str', 1, {
  write: (out, value) => {
    const bytes = utf8.encode(value);
    out.compact(bytes.length);
    out.raw(bytes);
  },
  read: (from) => {
    const bytes = from.raw(from.count(1));
    try {
      return utf8.decode(bytes);
    } catch {
      throw invalid('text is not UTF-8');
    }
  },
});

function compactOf<T>(inner: ScaleType<T>, codec: Codec<T>): ScaleType<T> {
  return {
    name: `Compact<${inner.name}>`,
    minBytes: 1,
    describe: (idOf) => ({ path: [], params: [], def: { tag: 'compact', value: idOf(inner) } }),
    ...codec,
  };
}

export const compactU32 = compactOf<number>(u32, {
  write: (out, value) => out.compact(value),
  read: (from) => Number(from.compact(0xffff_ffffn)),
});
export const compactU64 = compactOf<bigint>(u64, {
  write: (out, value) => out.compact(value),
  read: (from) => from.compact((1n << 64n) - 1n),
});
export const compactU128 = compactOf<bigint>(u128, {
  write: (out, value) => out.compact(value),
  read: (from) => from.compact((1n << 128n) - 1n),
});

/** The unit type `()`: no bytes. */
export const unit: ScaleType<undefined> = {
  name: '()',
  minBytes: 0,
  write: () => undefined,
  read: () => undefined,
  describe: () => ({ path: [], params: [], def: { tag: 'tuple', value: [] } }),
};

/** `Compact<()>`: no bytes either; `MultiAddress::Index` holds one. */
export const compactUnit: ScaleType<undefined> = compactOf<undefined>(unit, {
  write: () => undefined,
  read: () => undefined,
});

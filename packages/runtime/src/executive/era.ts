/**
 * @file For how long a transaction is valid. A mortal era names a period (a power of two of blocks) and a phase within
 * it; both fit two bytes. Format and arithmetic: Substrate's `sp_runtime::generic::Era`. Block numbers are below 2^32.
 */
import { invalid } from '../scale/ByteReader.js';
import { u8 } from '../scale/primitives.js';
import type { ScaleType } from '../scale/ScaleType.js';

/** `undefined` is immortal. `period` is a power of two in 4..65536 and `phase` < `period`. */
export type Era = { readonly period: number; readonly phase: number } | undefined;

const quantumOf = (period: number): number => Math.max(period >> 12, 1);

/** The block whose hash a transaction of this era signs, seen from block `current`. */
export function birthOf(era: Era, current: number): number {
  if (!era) return 0;
  const { period, phase } = era;
  return Math.floor((Math.max(current, phase) - phase) / period) * period + phase;
}

/** The first block in which the transaction is no longer valid; `undefined` for never. */
export function deathOf(era: Era, current: number): number | undefined {
  return era && birthOf(era, current) + era.period;
}

export const eraType: ScaleType<Era> = {
  name: 'Era',
  minBytes: 1,
  write: (out, era) => {
    if (!era) return out.u8(0);
    const exponent = 31 - Math.clz32(era.period);
    out.u16((exponent - 1) | ((era.phase / quantumOf(era.period)) << 4));
  },
  read: (from) => {
    const first = from.u8();
    if (first === 0) return undefined;
    const encoded = first | (from.u8() << 8);
    const period = 2 << (encoded & 0xf);
    const phase = (encoded >> 4) * quantumOf(period);
    if (period < 4 || phase >= period) throw invalid('an era has an impossible phase');
    return { period, phase };
  },
  describe: (idOf) => ({
    path: ['sp_runtime', 'generic', 'era', 'Era'],
    params: [],
    def: { tag: 'variant', value: Array.from({ length: 256 }, (_, index) => eraCase(index, idOf(u8))) },
  }),
};

function eraCase(index: number, byte: number) {
  const fields = [{ name: undefined, type: byte, typeName: undefined, docs: [] }];
  return index === 0
    ? { name: 'Immortal', index, fields: [], docs: [] }
    : { name: `Mortal${index}`, index, fields, docs: [] };
}

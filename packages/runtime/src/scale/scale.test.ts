/** @file SCALE: known vectors, agreement with an independent implementation, and strictness on every byte string. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, isCodedError, toHex } from '@alice/protocol';
import * as papi from '@polkadot-api/substrate-bindings';
import fc from 'fast-check';
import { birthOf, deathOf, eraType } from '../executive/era.js';
import { bytes, byteArray as bytesOfLength, option, tuple, vec } from './collections.js';
import { bool, compactU32, compactU64, compactU128, text, u8, u16, u32, u64, u128 } from './primitives.js';
import { enumOf, plainEnum, struct } from './records.js';
import { decode, encode, type ScaleType } from './ScaleType.js';
import { accountId, h256, multiAddress } from './substrateTypes.js';

const isInvalid = (error: unknown): boolean => isCodedError(error) && error.info.code === 'SCALE_INVALID';
const refuses = <T>(type: ScaleType<T>, hex: string): void =>
  assert.throws(() => decode(type, fromHex(hex)), isInvalid, `${hex} was accepted`);

describe('compact integers', () => {
  it('match the published vectors', () => {
    const vectors: readonly [bigint, string][] = [
      [0n, '0x00'],
      [1n, '0x04'],
      [42n, '0xa8'],
      [69n, '0x1501'],
      [65_535n, '0xfeff0300'],
      [1_073_741_824n, '0x0300000040'],
      [100_000_000_000_000n, '0x0b00407a10f35a'],
    ];
    for (const [value, hex] of vectors) {
      assert.equal(toHex(encode(compactU128, value)), hex);
      assert.equal(decode(compactU128, fromHex(hex)), value);
    }
  });

  it('have one encoding only', () => {
    for (const hex of ['0x0100', '0x02000000', '0xfd00', '0x0300000000', '0x03ffffff3f', '0x070000004000'])
      refuses(compactU128, hex);
  });

  it('stay inside their type', () => {
    refuses(compactU32, toHex(encode(compactU64, 1n << 32n)));
    refuses(compactU64, toHex(encode(compactU128, 1n << 64n)));
    refuses(compactU128, `0x37${'ff'.repeat(17)}`);
  });
});

describe('agreement with @polkadot-api/substrate-bindings', () => {
  const same = <T>(
    name: string,
    own: ScaleType<T>,
    other: { enc: (value: T) => Uint8Array },
    values: fc.Arbitrary<T>,
  ) =>
    it(name, () =>
      fc.assert(
        fc.property(values, (value) => {
          const encoded = encode(own, value);
          assert.equal(toHex(encoded), toHex(other.enc(value)));
          assert.deepEqual(decode(own, encoded), value);
        }),
      ),
    );
  const natural = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  same('u16', u16, papi.u16, fc.nat(0xffff));
  same('u32', u32, papi.u32, fc.nat(0xffff_ffff));
  same('u64', u64, papi.u64, natural(64));
  same('u128', u128, papi.u128, natural(128));
  same('bool', bool, papi.bool, fc.boolean());
  same('text', text, papi.str, fc.string({ unit: 'grapheme' }));
  same('bytes', bytes, papi.Bytes(), fc.uint8Array());
  same('vec of u32', vec(u32), papi.Vector(papi.u32) as never, fc.array(fc.nat(0xffff_ffff)));
  same('option of u64', option(u64), papi.Option(papi.u64), fc.option(natural(64), { nil: undefined }));
  same('compact', compactU64, papi.compactBn as never, natural(64));
});

describe('long values', () => {
  it('come out whole wherever the buffer has to grow', () => {
    const integers = [u8, u16, u32].map((type) => [type, 0x5a] as const);
    for (let before = 100; before < 140; before++)
      for (const [type, value] of [...integers, [u64, 0x5an] as const, [u128, 0x5an] as const]) {
        const padding = bytesOfLength(before);
        const pair = tuple(padding, type as ScaleType<unknown>);
        const encoded = encode(pair, [new Uint8Array(before).fill(7), value]);
        assert.equal(encoded[before], 0x5a, `${type.name} at ${before}`);
        assert.equal(encoded.length, before + type.minBytes);
      }
  });
});

describe('strict decoding', () => {
  it('refuses trailing bytes, short input, wrong tags, foreign cases and lists longer than their bytes', () => {
    refuses(u32, '0x0000000000');
    refuses(u32, '0x000000');
    refuses(bool, '0x02');
    refuses(option(u8), '0x0200');
    refuses(plainEnum('Color', ['Red', 'Green']), '0x02');
    refuses(multiAddress, `0x05${'00'.repeat(32)}`);
    refuses(vec(accountId), '0xfeffffff');
    refuses(bytes, '0x08ff');
    refuses(text, '0x08c328');
  });

  it('reads a view into a larger buffer where the view begins', () => {
    const whole = fromHex('0xffffff2a000000ffff');
    assert.equal(decode(u32, whole.subarray(3, 7)), 42);
    assert.equal(decode(u64, Buffer.from([9, 1, 0, 0, 0, 0, 0, 0, 0]).subarray(1)), 1n);
  });

  const shape = struct('t::Shape', {
    who: accountId,
    root: h256,
    list: vec(tuple(compactU32, bool)),
    choice: enumOf('t::Choice', { Nothing: { index: 3 }, Some: { index: 7, of: option(text) } }),
    era: eraType,
  });

  it('accepts a byte string only if it is what the value encodes to', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 120 }), (random) => {
        let value: ReturnType<typeof shape.read>;
        try {
          value = decode(shape, random);
        } catch (error) {
          assert.ok(isInvalid(error), String(error));
          return;
        }
        assert.equal(toHex(encode(shape, value)), toHex(random));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('mortal eras', () => {
  it('match the vectors of sp_runtime', () => {
    // Substrate's own tests: period 64, phase 42 is 5 + 42 % 16 * 16, 42 / 16; period 32768, phase 20000 likewise.
    assert.equal(toHex(encode(eraType, { period: 64, phase: 42 })), '0xa502');
    assert.equal(toHex(encode(eraType, { period: 32_768, phase: 20_000 })), '0x4e9c');
    assert.equal(toHex(encode(eraType, undefined)), '0x00');
    assert.equal(deathOf(undefined, 10), undefined);
  });

  it('live from birth to birth + period, seen from any block of their life', () => {
    const eras = fc.integer({ min: 2, max: 16 }).chain((exponent) => {
      const period = 2 ** exponent;
      const quantum = Math.max(period >> 12, 1);
      return fc.nat(period / quantum - 1).map((q) => ({ period, phase: q * quantum }));
    });
    fc.assert(
      fc.property(eras, fc.nat(1_000_000), (era, current) => {
        assert.deepEqual(decode(eraType, encode(eraType, era)), era);
        const birth = birthOf(era, current);
        assert.equal(birth % era.period, era.phase);
        assert.equal(deathOf(era, current), birth + era.period);
        if (current >= era.phase) assert.ok(birth <= current && current < birth + era.period);
        assert.equal(birthOf(era, birth), birth);
        assert.equal(birthOf(era, birth + era.period - 1), birth);
        assert.equal(birthOf(era, birth + era.period), birth + era.period);
      }),
    );
  });

  it('refuse impossible phases and periods', () => {
    refuses(eraType, '0x1000');
    refuses(eraType, '0x4100');
    refuses(eraType, '0x01ff');
  });
});

/** @file Metadata and values: what independent encoders wrote comes out as it went in; broken bytes are refused. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { addressOf, fromHex, initCrypto, toHex } from '@alice/protocol';
import { TypeRegistry } from '@polkadot/types';
import { metadata as metadataCodec } from '@polkadot-api/substrate-bindings';
import fc from 'fast-check';
import { WebError } from '../errors.js';
import { ByteReader } from './ByteReader.js';
import { decodeValue, type Value } from './decodeValue.js';
import { type ChainType, type Metadata, parseMetadata, type TypeShape } from './metadata.js';

before(initCrypto);
const NO_PARAMETERS = new Map<string, number | undefined>();
const typeOf = (shape: TypeShape, ...path: string[]): ChainType => ({
  path,
  parameters: NO_PARAMETERS,
  shape,
});
const primitive = (name: string): ChainType => typeOf({ kind: 'primitive', name });
const field = (name: string | undefined, type: number) => ({ name, type, typeName: undefined });
const variant = (index: number, name: string, ...fields: ReturnType<typeof field>[]) =>
  [index, { index, name, fields, docs: [] }] as const;

const types = new Map<number, ChainType>([
  [0, primitive('u8')],
  [1, primitive('u32')],
  [2, primitive('u128')],
  [3, typeOf({ kind: 'array', length: 32, of: 0 })],
  [4, typeOf({ kind: 'composite', fields: [field(undefined, 3)] }, 'sp_core', 'AccountId32')],
  [
    5,
    typeOf({ kind: 'variant', variants: new Map([variant(0, 'Training'), variant(1, 'Scoring')]) }, 'Role'),
  ],
  [6, typeOf({ kind: 'composite', fields: [field('account', 4), field('role', 5), field('amount', 2)] })],
  [7, typeOf({ kind: 'sequence', of: 6 })],
  [8, typeOf({ kind: 'compact', of: 2 })],
  [9, typeOf({ kind: 'compact', of: 1 })],
  [
    10,
    typeOf(
      { kind: 'variant', variants: new Map([variant(0, 'None'), variant(1, 'Some', field(undefined, 1))]) },
      'Option',
    ),
  ],
  [11, typeOf({ kind: 'tuple', of: [1, 2] })],
  [12, primitive('str')],
  [13, primitive('i64')],
  [14, typeOf({ kind: 'sequence', of: 0 })],
]);
const known: Metadata = { types, pallets: [], extrinsic: 0, extensions: [] };
const registry = new TypeRegistry();
registry.register({
  Role: { _enum: ['Training', 'Scoring'] },
  Pay: { account: 'AccountId32', role: 'Role', amount: 'u128' },
});
const encoded = (type: string, value: unknown): Uint8Array => registry.createType(type, value).toU8a();
const decoded = (type: number, bytes: Uint8Array): Value => decodeValue(known, type, bytes, 'a test');

test('values polkadot.js encodes come out as they went in', () => {
  const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
  const u32 = fc.nat(0xffff_ffff);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.boolean(), u128)),
      (pays) => {
        const role = (isTraining: boolean) => (isTraining ? 'Training' : 'Scoring');
        const theirs = pays.map(([account, isTraining, amount]) => ({
          account,
          role: role(isTraining),
          amount,
        }));
        const ours = pays.map(([account, isTraining, amount]) => ({
          account: addressOf(account),
          role: { variant: role(isTraining), fields: {} },
          amount,
        }));
        assert.deepEqual(decoded(7, encoded('Vec<Pay>', theirs)), ours);
      },
    ),
  );
  fc.assert(fc.property(u128, (n) => assert.equal(decoded(8, encoded('Compact<u128>', n)), n)));
  fc.assert(fc.property(u32, (n) => assert.equal(decoded(9, encoded('Compact<u32>', n)), n)));
  fc.assert(fc.property(u32, (n) => assert.equal(decoded(10, encoded('Option<u32>', n)), n)));
  assert.equal(decoded(10, encoded('Option<u32>', null)), null);
  assert.deepEqual(decoded(11, encoded('(u32, u128)', [5, 6n])), [5, 6n]);
  fc.assert(fc.property(fc.string(), (text) => assert.equal(decoded(12, encoded('Text', text)), text)));
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (n) =>
      assert.equal(decoded(13, encoded('i64', n)), n),
    ),
  );
  assert.equal(decoded(14, encoded('Bytes', '0x0102ff')), '0x0102ff');
});

test('any bytes give a value or SCALE_INVALID, and no false length makes work', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(14), (bytes, type) => {
      try {
        decoded(type, bytes);
      } catch (error) {
        assert.equal((error as WebError).code, 'SCALE_INVALID');
      }
    }),
    { numRuns: 1000 },
  );
  const pays = encoded('Vec<Pay>', [{ account: new Uint8Array(32), role: 'Training', amount: 1 }]);
  for (let length = 0; length < pays.length; length++)
    assert.throws(() => decoded(7, pays.subarray(0, length)), WebError, `cut at ${length}`);
  assert.throws(() => decoded(7, Uint8Array.of(...pays, 0)), WebError);
  assert.throws(() => new ByteReader(Uint8Array.of(0xfe, 0xff, 0xff, 0xff), 'x').count(), WebError);
});

test('metadata another library wrote is read with types, storage, constants and extensions', () => {
  const bytes = metadataCodec.enc(exampleMetadata() as never);
  const metadata = parseMetadata(bytes);
  assert.deepEqual([...metadata.types.keys()], [0, 1]);
  assert.deepEqual(metadata.types.get(1)?.path, ['pallet', 'Event']);
  assert.equal(metadata.extrinsic, 1);
  assert.deepEqual(metadata.extensions, [{ name: 'CheckNonce', type: 0 }]);
  const [pallet] = metadata.pallets;
  assert.equal(pallet!.name, 'Counter');
  assert.equal(pallet!.index, 9);
  assert.deepEqual([pallet!.calls, pallet!.events, pallet!.errors], [undefined, 1, undefined]);
  assert.deepEqual(pallet!.storage.get('Steps'), { hashers: ['Twox64Concat'], key: 0, value: 0 });
  assert.deepEqual(toHex(pallet!.constants.get('Limit')!.value), '0x2a000000');
  assert.deepEqual(decodeValue(metadata, 1, fromHex('0x0307000000'), 'an event'), {
    variant: 'Grew',
    fields: { by: 7 },
  });
  for (const at of [0, 4, 5]) {
    const broken = bytes.slice();
    broken[at]! ^= 0xff;
    assert.throws(() => parseMetadata(broken), WebError, `byte ${at}`);
  }
  assert.throws(() => parseMetadata(bytes.subarray(0, bytes.length / 2)), WebError);
});

function exampleMetadata() {
  const grew = {
    name: 'Grew',
    fields: [{ name: 'by', type: 0, typeName: 'u32', docs: [] }],
    index: 3,
    docs: ['It grew.'],
  };
  return {
    magicNumber: 0x6174656d,
    metadata: {
      tag: 'v14',
      value: {
        lookup: [
          { id: 0, path: [], params: [], def: { tag: 'primitive', value: { tag: 'u32' } }, docs: [] },
          {
            id: 1,
            path: ['pallet', 'Event'],
            params: [{ name: 'T', type: 0 }],
            def: { tag: 'variant', value: [grew] },
            docs: [],
          },
        ],
        pallets: [
          {
            name: 'Counter',
            storage: {
              prefix: 'Counter',
              items: [
                {
                  name: 'Steps',
                  modifier: 1,
                  type: { tag: 'map', value: { hashers: [{ tag: 'Twox64Concat' }], key: 0, value: 0 } },
                  fallback: '0x00000000',
                  docs: ['Steps.'],
                },
              ],
            },
            calls: undefined,
            events: 1,
            constants: [{ name: 'Limit', type: 0, value: '0x2a000000', docs: [] }],
            errors: undefined,
            index: 9,
            docs: [],
          },
        ],
        extrinsic: {
          type: 1,
          version: 4,
          signedExtensions: [{ identifier: 'CheckNonce', type: 0, additionalSigned: 0 }],
        },
        type: 0,
        apis: [],
      },
    },
  };
}

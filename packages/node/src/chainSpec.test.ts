/** @file Checks that a specification becomes its genesis, and that every mistake is named. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { addressOf, initCrypto } from '@alice/protocol';
import fc from 'fast-check';
import { type ChainSpec, chainSpecHash, genesisOf, parseChainSpec } from './chainSpec.js';

let spec: ChainSpec;

before(async () => {
  await initCrypto();
  const address = (byte: number) => addressOf(new Uint8Array(32).fill(byte));
  spec = {
    chainName: 'Alice Test',
    timestampMs: 1_700_000_000_000,
    balances: [
      { address: address(1), planck: '1000000000000' },
      { address: address(2), planck: '5' },
    ],
    parameterServer: address(1),
    feeCollector: address(3),
  };
});

test('a specification becomes the genesis it describes, from text or from data', () => {
  const genesis = genesisOf(parseChainSpec(JSON.stringify(spec)));
  assert.equal(genesis.timestampMs, 1_700_000_000_000n);
  assert.deepEqual(genesis.balances[0], { account: new Uint8Array(32).fill(1), planck: 10n ** 12n });
  assert.deepEqual(genesis.parameterServer, new Uint8Array(32).fill(1));
  assert.deepEqual(genesis.feeCollector, new Uint8Array(32).fill(3));
  assert.deepEqual(parseChainSpec(spec), spec);
});

test('its hash does not depend on the order of fields, but on every value', () => {
  const { chainName, ...rest } = spec;
  assert.equal(chainSpecHash({ ...rest, chainName }), chainSpecHash(spec));
  assert.notEqual(chainSpecHash({ ...spec, timestampMs: spec.timestampMs + 1 }), chainSpecHash(spec));
});

test('every mistake is named by its field', () => {
  const twice = [spec.balances[0], spec.balances[0]];
  const cases: [string, unknown][] = [
    ['the file', '{'],
    ['the specification', []],
    ['feeCollector', { ...spec, feeCollector: undefined }],
    ['feeCollector', { ...spec, feeCollector: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY' }],
    ['premine', { ...spec, premine: 1 }],
    ['chainName', { ...spec, chainName: '' }],
    ['chainName', { ...spec, chainName: 'a\nb' }],
    ['timestampMs', { ...spec, timestampMs: 1.5 }],
    ['timestampMs', { ...spec, timestampMs: '1700000000000' }],
    ['balances', { ...spec, balances: {} }],
    ['planck', { ...spec, balances: [{ address: spec.feeCollector }] }],
    ['balances[0].planck', { ...spec, balances: [{ address: spec.feeCollector, planck: 5 }] }],
    ['balances[0].planck', { ...spec, balances: [{ address: spec.feeCollector, planck: '-5' }] }],
    ['balances[1].address', { ...spec, balances: twice }],
    ['balances', { ...spec, balances: [{ address: spec.feeCollector, planck: '21000001000000000000' }] }],
  ];
  for (const [field, json] of cases)
    assert.throws(
      () => parseChainSpec(json),
      { code: 'CHAIN_SPEC_INVALID', info: { code: 'CHAIN_SPEC_INVALID', field } },
      field,
    );
});

test('no JSON value makes it fail in another way', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(...Object.keys(spec)), (text, field) => {
      const value: unknown = JSON.parse(text);
      assert.throws(() => parseChainSpec(value), { code: 'CHAIN_SPEC_INVALID' });
      try {
        parseChainSpec({ ...spec, [field]: value });
      } catch (error) {
        assert.equal((error as { code: string }).code, 'CHAIN_SPEC_INVALID');
      }
    }),
  );
});

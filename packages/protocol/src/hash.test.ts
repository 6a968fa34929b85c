/** @file Hashes against Node's crypto and polkadot.js, the Merkle tree against RFC 6962's definition and vectors. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { blake2AsU8a } from '@polkadot/util-crypto';
import fc from 'fast-check';
import { fromHex } from './bytes.js';
import { blake2b256, canonicalJson, hashJson, sha256, sha256Hex } from './hash.js';
import { merkleRoot } from './merkle.js';

const sha = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

test('SHA-256 and Blake2b-256 are the standard ones', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(sha256(bytes), new Uint8Array(sha(bytes)));
      assert.equal(sha256Hex(bytes), `0x${sha(bytes).toString('hex')}`);
      assert.deepEqual(blake2b256(bytes), blake2AsU8a(bytes, 256, null, true));
    }),
  );
});

test('the Merkle root of the Certificate Transparency test leaves', () => {
  const leaves = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ].map(fromHex);
  const roots: Record<number, string> = {
    0: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    1: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    2: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    3: 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    8: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  };
  for (const [count, root] of Object.entries(roots))
    assert.equal(merkleRoot(leaves.slice(0, Number(count))), `0x${root}`, `${count} leaves`);
});

test('the Merkle root follows the recursive definition for any number of leaves', () => {
  /** RFC 6962 §2.1: split at the largest power of two below n. */
  const definition = (leaves: Uint8Array[]): Buffer => {
    if (leaves.length === 1) return sha(Uint8Array.of(0), leaves[0]!);
    const split = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
    return sha(Uint8Array.of(1), definition(leaves.slice(0, split)), definition(leaves.slice(split)));
  };
  for (let count = 1; count <= 70; count++) {
    const leaves = Array.from({ length: count }, (_, i) => Uint8Array.of(i, count));
    assert.equal(merkleRoot(leaves), `0x${definition(leaves).toString('hex')}`, `${count} leaves`);
  }
});

test('canonical JSON does not depend on key order and parses to the same value', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, shuffled(inner)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(shuffled(value)), text);
      assert.equal(hashJson(shuffled(value)), sha256Hex(new TextEncoder().encode(text)));
      assert.equal(JSON.stringify(JSON.parse(text)).length, text.length, 'no white space');
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
  assert.equal(
    canonicalJson({ b: [1, { d: null, c: 'x"' }], a: undefined, B: true }),
    '{"B":true,"b":[1,{"c":"x\\"","d":null}]}',
  );
});

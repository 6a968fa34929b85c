/** @file Checks the trie against hand-derived encodings, headers of live Substrate chains, and properties. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { blake2b256, concatBytes, fromHex, toHex } from '@alice/protocol';
import fc from 'fast-check';
import { hashHeader, NO_PARENT } from '../block.js';
import { verifyProof } from '../testing/verifyProof.js';
import { blake2, initHasher } from './blake2.js';
import { orderedRoot } from './orderedRoot.js';
import { Trie } from './Trie.js';

const EMPTY_ROOT = '0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314';

before(initHasher);

/** Short keys over few bytes collide and nest; long values cross the hashing threshold at 33 bytes. */
const key = fc.oneof(
  fc.uint8Array({ minLength: 0, maxLength: 4 }).map((bytes) => bytes.map((byte) => byte & 0x13)),
  fc.uint8Array({ minLength: 30, maxLength: 80 }),
);
const value = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(0, 1, 31, 32, 33, 64, 20_000).map((length) => new Uint8Array(length).fill(7)),
);
const entries = fc.array(fc.tuple(key, value), { maxLength: 60 });

/** The last value of each key, as a trie must hold it. */
function contents(
  list: readonly (readonly [Uint8Array, Uint8Array])[],
): Map<string, readonly [Uint8Array, Uint8Array]> {
  return new Map(list.map((entry) => [toHex(entry[0]), entry]));
}

test('blake2 through WebAssembly equals the reference implementation', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => toHex(blake2(bytes)) === toHex(blake2b256(bytes)),
    ),
  );
});

test('the empty trie has the root every Substrate chain knows', () => {
  assert.equal(toHex(Trie.empty.root()), EMPTY_ROOT);
  assert.equal(toHex(orderedRoot([])), EMPTY_ROOT);
});

test('one leaf is encoded as the specification writes it', () => {
  // leaf with 2 nibbles | key | compact length 1 | value
  const expected = blake2b256(Uint8Array.of(0x42, 0xaa, 0x04, 0xbb));
  assert.deepEqual(Trie.empty.put(Uint8Array.of(0xaa), Uint8Array.of(0xbb)).root(), expected);
});

test('two disjoint leaves are embedded in a branch', () => {
  const trie = Trie.empty
    .put(Uint8Array.of(0x48, 0x19), Uint8Array.of(0xfe))
    .put(Uint8Array.of(0x13, 0x14), Uint8Array.of(0xff));
  const leaf = (...bytes: number[]): number[] => [bytes.length << 2, ...bytes];
  const encoded = [
    ...[0x80, 0b0001_0010, 0], // branch, no partial key, no value; children 1 and 4
    ...leaf(0x43, 0x03, 0x14, 0x04, 0xff), // 3 nibbles: 3, 1 4
    ...leaf(0x43, 0x08, 0x19, 0x04, 0xfe),
  ];
  assert.deepEqual(trie.root(), blake2b256(Uint8Array.from(encoded)));
});

test('a branch with a long value stores its hash, state version 1', () => {
  const long = new Uint8Array(33).fill(1);
  const trie = Trie.empty.put(Uint8Array.of(0x10), long).put(Uint8Array.of(0x10, 0x20), Uint8Array.of(9));
  const encoded = concatBytes(
    Uint8Array.of(0b0001_0010, 0x10, 0b0000_0100, 0), // branch with hashed value, 2 nibbles; child 2
    blake2b256(long),
    Uint8Array.of(4 << 2, 0x41, 0x00, 0x04, 9), // leaf with the one nibble 0
  );
  assert.deepEqual(trie.root(), blake2b256(encoded));
});

test('a partial key longer than the header holds continues in further bytes', () => {
  const long = new Uint8Array(200).fill(0xab); // 400 nibbles = 63 + 255 + 82
  const encoded = concatBytes(Uint8Array.of(0x7f, 255, 82), long, Uint8Array.of(0x04, 5));
  assert.deepEqual(Trie.empty.put(long, Uint8Array.of(5)).root(), blake2b256(encoded));
});

test('block 1 of Polkadot and of Kusama: the extrinsics roots of their headers', () => {
  const polkadot = ['0x280403000b5095a0517201', '0x1004140000'].map(fromHex);
  assert.equal(
    toHex(orderedRoot(polkadot)),
    '0x9a87f6af64ef97aff2d31bebfdd59f8fe2ef6019278b634b2515a38f1c4c2420',
  );
  const kusama = ['0x280402000b90110eb36e01', '0x1004140000'].map(fromHex);
  assert.equal(
    toHex(orderedRoot(kusama)),
    '0xa35fb7f7616f5c979d48222b3d2fa7cb2331ef73954726714d91ca945cc34fd8',
  );
});

test('the genesis header of Kusama hashes to its genesis hash', () => {
  const stateRoot = '0xb0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b';
  const hash = hashHeader({
    parentHash: NO_PARENT,
    number: 0,
    stateRoot,
    extrinsicsRoot: EMPTY_ROOT,
    digest: [],
  });
  assert.equal(hash, '0xb0a8d493285c2df73290dfb7e61f870f17b41801197a149ca93654499ea3dafe');
});

test('the root does not depend on the order of insertion, and get returns what was put', () => {
  fc.assert(
    fc.property(entries, fc.infiniteStream(fc.nat()), (list, random) => {
      const unique = [...contents(list).values()];
      const shuffled = unique
        .map((entry) => ({ entry, order: random.next().value as number }))
        .sort((a, b) => a.order - b.order)
        .map(({ entry }) => entry);
      const trie = Trie.from(list);
      assert.deepEqual(trie.root(), Trie.from(shuffled).root());
      for (const [k, v] of unique) assert.deepEqual(trie.get(k), v);
    }),
  );
});

test('deleting gives the trie that never had the key, and leaves the old one as it was', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.nat(99), { maxLength: 30 }), key, (list, picks, stranger) => {
      const left = contents(list);
      const all = [...left.values()];
      const full = Trie.from(list);
      const rootBefore = full.root();
      let trie = full;
      for (const victim of [
        stranger,
        ...picks.map((pick) => all[pick % Math.max(1, all.length)]?.[0] ?? stranger),
      ]) {
        trie = trie.delete(victim);
        left.delete(toHex(victim));
        assert.equal(trie.get(victim), undefined);
      }
      assert.deepEqual(trie.root(), Trie.from(left.values()).root());
      assert.deepEqual(full.root(), rootBefore);
    }),
  );
});

test('proofs prove presence and absence, and a changed piece proves nothing', () => {
  fc.assert(
    fc.property(entries, key, fc.nat(), (list, stranger, at) => {
      const trie = Trie.from(list);
      const root = trie.root();
      const known = [...contents(list).values()];
      const asked = [...known.slice(0, 5).map(([k]) => k), stranger];
      const proof = trie.proof(asked);
      for (const k of asked) {
        const expected = trie.get(k);
        const proven = verifyProof(root, proof, k);
        assert.deepEqual(proven, expected ? { kind: 'present', value: expected } : { kind: 'absent' });
      }
      const index = at % proof.length;
      const forged = proof.map((piece, i) =>
        i === index ? piece.map((byte, j) => (j === 0 ? byte ^ 1 : byte)) : piece,
      );
      const verdicts = asked.map((k) => verifyProof(root, forged, k).kind);
      assert.ok(verdicts.includes('incomplete'), 'a piece that some key needs was changed');
    }),
  );
});

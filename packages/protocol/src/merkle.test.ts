/** @file Inclusion proofs: every leaf of every tree proves the root, and nothing else does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { utf8 } from './bytes.js';
import { leafHash, merkleRoot, merkleRootFrom, merkleTree } from './merkle.js';

const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => utf8.encode(`leaf ${i}`));

it('leads from each leaf to the root, whatever the number of leaves', () => {
  for (let count = 1; count <= 40; count++) {
    const leaves = leavesOf(count);
    const root = merkleRoot(leaves);
    for (const [index, leaf] of leaves.entries()) {
      const proof = merkleTree(leaves.map(leafHash)).proof(index);
      assert.ok(proof.path.length <= Math.ceil(Math.log2(count)));
      assert.equal(merkleRootFrom(leaf, proof), root, `leaf ${index} of ${count}`);
    }
  }
});

it('leads elsewhere from another leaf, another place, or a path that was changed', () => {
  const tree = fc
    .integer({ min: 2, max: 70 })
    .chain((count) => fc.tuple(fc.constant(count), fc.nat(count - 1)));
  fc.assert(
    fc.property(tree, fc.nat(), fc.integer({ min: 1, max: 255 }), ([count, index], which, change) => {
      const leaves = leavesOf(count);
      const root = merkleRoot(leaves);
      const proof = merkleTree(leaves.map(leafHash)).proof(index);
      const other = (index + 1 + (which % (count - 1))) % count;
      assert.notEqual(merkleRootFrom(leaves[other]!, proof), root);
      assert.notEqual(merkleRootFrom(leaves[index]!, { ...proof, index: other }), root);
      assert.equal(merkleRootFrom(leaves[index]!, { ...proof, path: proof.path.slice(1) }), undefined);
      const at = which % proof.path.length;
      const wrong = proof.path.map((hash, i) => {
        if (i !== at) return hash;
        const last = Number.parseInt(hash.slice(-2), 16) ^ change;
        return `${hash.slice(0, -2)}${last.toString(16).padStart(2, '0')}` as typeof hash;
      });
      assert.notEqual(merkleRootFrom(leaves[index]!, { ...proof, path: wrong }), root);
    }),
  );
  assert.equal(merkleRootFrom(utf8.encode('leaf 0'), { index: 1, count: 1, path: [] }), undefined);
});

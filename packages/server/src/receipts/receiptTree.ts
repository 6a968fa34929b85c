/**
 * @file The tree of an epoch's signed receipts (SCORE-5): its leaves are fixed with the report, its root is settled on the
 * chain, and a proof shows that a receipt is one of them. Leaves are kept as a blob of their hashes, 32 bytes each, in
 * order of arrival.
 */
import {
  concatBytes,
  leafHash,
  type MerkleTree,
  merkleTree,
  type ReceiptProof,
  receiptLeaf,
  type SignedReceipt,
  toHex,
} from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { ServerError } from '../errors.js';
import { createLru } from '../lru.js';
import { readReceipt } from './readReceipts.js';

const HASH_BYTES = 32;
const TREES_KEPT = 4;

/** Hashes of the receipts of these submissions in order of arrival, one after another. All of them must be signed. */
export async function receiptLeaves(tx: Queryable, submissionIds: readonly string[]): Promise<Uint8Array> {
  const rows = await tx.query<SignedReceipt>(
    'SELECT receipt, signature FROM receipts WHERE submission_id = ANY($1) ORDER BY sequence',
    [submissionIds],
  );
  if (rows.length !== submissionIds.length)
    throw new Error(`cannot happen: ${submissionIds.length - rows.length} paid submissions have no receipt`);
  return concatBytes(...rows.map((signed) => leafHash(receiptLeaf(signed))));
}

export function receiptsRoot(leaves: Uint8Array): MerkleTree['root'] {
  return merkleTree(hashesIn(leaves)).root;
}

export interface ReceiptProofs {
  /** Throws `NOT_FOUND`. */
  proof(epoch: number, submissionId: string): Promise<ReceiptProof>;
}

interface KnownTree {
  readonly tree: MerkleTree;
  readonly positions: ReadonlyMap<string, number>;
}

export function createReceiptProofs({ db, blobs }: Pick<ServerContext, 'db' | 'blobs'>): ReceiptProofs {
  const trees = createLru<number, KnownTree>(TREES_KEPT);
  const treeOf = async (epoch: number): Promise<KnownTree> => {
    const known = trees.get(epoch);
    if (known) return known;
    const [row] = await db.query<{ hash: string; root: string }>(
      `SELECT receipts_hash AS hash, report ->> 'receiptsRoot' AS root FROM epochs WHERE epoch = $1`,
      [epoch],
    );
    if (!row) throw notFound('there is no such epoch');
    const hashes = hashesIn(await blobs.get(row.hash));
    const tree = merkleTree(hashes);
    if (tree.root !== row.root) throw notFound('this epoch settled before receipts were its leaves');
    return trees.set(epoch, { tree, positions: new Map(hashes.map((hash, i) => [toHex(hash), i])) });
  };
  return {
    async proof(epoch, submissionId) {
      const { tree, positions } = await treeOf(epoch);
      const leaf = receiptLeaf(await readReceipt({ db }, submissionId));
      const index = positions.get(toHex(leafHash(leaf)));
      if (index === undefined) throw notFound('this submission is not one that the epoch has paid');
      return { epoch, submissionId, receiptsRoot: tree.root, ...pathOf(tree, index) };
    },
  };
}

function pathOf(tree: MerkleTree, index: number): Pick<ReceiptProof, 'index' | 'count' | 'path'> {
  const { path, ...place } = tree.proof(index);
  return { ...place, path: [...path] };
}

function hashesIn(leaves: Uint8Array): Uint8Array[] {
  return Array.from({ length: leaves.length / HASH_BYTES }, (_, i) =>
    leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

function notFound(message: string): ServerError {
  return new ServerError({ code: 'NOT_FOUND' }, message);
}

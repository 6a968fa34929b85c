/** @file What the public may read to check the server's arithmetic: receipts, the bytes they are about, what a version was made of. */
import type { ReceiptList, ReceiptPage, SignedReceipt, VersionFold } from '@alice/protocol';
import type { BlobRef } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import { ServerError } from '../errors.js';
import { findVersion } from '../state/versions.js';

const LISTED = 200;

/** Its rows are secret while anybody may be scored on them: until the version after the one it was measured on is out. */
const IS_PUBLIC = 'r.public_version <= (SELECT MAX(version) FROM versions)';

/** Throws `NOT_FOUND`. */
export async function readReceipt(
  { db }: { readonly db: Queryable },
  submissionId: string,
): Promise<SignedReceipt> {
  const [row] = await db.query<SignedReceipt>(
    `SELECT receipt, signature FROM receipts AS r WHERE submission_id = $1 AND ${IS_PUBLIC}`,
    [submissionId],
  );
  if (row) return row;
  throw notFound(
    'there is no receipt for this submission: it is public one version after its round has ended',
  );
}

/** The newest receipts of an address. */
export async function listReceipts({ db }: ServerContext, address: string): Promise<ReceiptList> {
  const rows = await db.query<ReceiptList['receipts'][number]>(
    `SELECT s.submission_id AS "submissionId", s.round, s.status AS outcome, s.code, s.score, s.epoch
     FROM receipts AS r JOIN submissions AS s USING (submission_id)
     WHERE r.address = $1 AND ${IS_PUBLIC} ORDER BY r.sequence DESC LIMIT $2`,
    [address, LISTED],
  );
  return { receipts: rows };
}

const PAGE_RECEIPTS = 100;

/** A page of all receipts that an epoch has paid, in order of arrival. Throws `NOT_FOUND` until all of them are public. */
export async function epochReceipts(
  { db }: { readonly db: Queryable },
  epoch: number,
  page: number,
): Promise<ReceiptPage> {
  const [counted] = await db.query<{ all: number; public: number }>(
    `SELECT COUNT(*) AS all, COUNT(*) FILTER (WHERE ${IS_PUBLIC}) AS public
     FROM receipts AS r JOIN submissions AS s USING (submission_id) WHERE s.epoch = $1`,
    [epoch],
  );
  const pages = Math.ceil((counted?.all ?? 0) / PAGE_RECEIPTS);
  if (page >= pages)
    throw notFound('there is no such page of receipts: no epoch of this server, or beyond its last');
  if (counted!.public < counted!.all)
    throw notFound('some receipts of this epoch are secret until the next version is out: ask again then');
  const receipts = await db.query<SignedReceipt>(
    `SELECT r.receipt, r.signature FROM receipts AS r JOIN submissions AS s USING (submission_id)
     WHERE s.epoch = $1 ORDER BY r.sequence LIMIT $2 OFFSET $3`,
    [epoch, PAGE_RECEIPTS, page * PAGE_RECEIPTS],
  );
  return { epoch, page, pages, receipts };
}

/** The submission itself, public once its receipt is. Throws `NOT_FOUND`. */
export async function receiptBlob(context: ServerContext, submissionId: string): Promise<BlobRef> {
  const { blob } = (await readReceipt(context, submissionId)).receipt;
  return kept(context, blob.hash as BlobRef['hash']);
}

/** What an applied version was made of. Throws `NOT_FOUND`. */
export async function readFold({ db }: ServerContext, version: number): Promise<VersionFold> {
  const [row] = await db.query<{ fold: VersionFold }>(
    `SELECT fold FROM rounds WHERE status = 'applied' AND version = $1 AND fold IS NOT NULL`,
    [version - 1],
  );
  if (row) return row.fold;
  throw notFound(
    'what this version was made of is not known: it is the first one, or older than this record',
  );
}

/** FP32 weights that the next version was added to. Throws `NOT_FOUND`. */
export async function readMaster(context: ServerContext, version: number): Promise<BlobRef> {
  const row = await findVersion(context.db, version);
  if (row?.master) return kept(context, row.master.hash);
  throw notFound('the FP32 weights of this version are kept no longer: verify a newer version');
}

async function kept({ blobs }: ServerContext, hash: BlobRef['hash']): Promise<BlobRef> {
  const sizeBytes = await blobs.sizeBytes(hash);
  if (sizeBytes !== undefined) return { hash, sizeBytes };
  throw notFound('these bytes have been pruned');
}

function notFound(message: string): ServerError {
  return new ServerError({ code: 'NOT_FOUND' }, message);
}

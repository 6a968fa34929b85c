/**
 * @file Epoch reports as stored: `pending` from the transaction that fixes them until the chain has settled them, then
 * `settled` with what the chain paid. A fixed report never changes, so submitting it again is harmless (EPOCH-1).
 */
import type { EpochInfo, EpochReport, EpochScore, Payout } from '@alice/protocol';
import type { Queryable } from '../database/Database.js';

export interface EpochRow {
  readonly epoch: number;
  readonly status: 'pending' | 'settled';
  readonly report: ReportMessage;
  readonly receipts_hash: string;
  readonly fixed_ms: number;
  readonly settled: SettledMessage | null;
  readonly payouts: PayoutMessage[] | null;
}

interface ReportMessage extends Omit<EpochReport, 'heldOutLossNanoNats' | 'scores'> {
  readonly heldOutLossNanoNats: string;
  readonly scores: readonly (Omit<EpochScore, 'scoreNanoNats'> & { readonly score: string })[];
}
interface SettledMessage extends Omit<EpochInfo, 'heldOutLossNanoNats' | 'mintedPlanck'> {
  readonly mintedPlanck: string;
}
interface PayoutMessage {
  readonly address: string;
  readonly role: string;
  readonly score: string;
  readonly amountPlanck: string;
}

export async function insertEpoch(
  db: Queryable,
  report: EpochReport,
  { receiptsHash, nowMs }: { receiptsHash: string; nowMs: number },
): Promise<void> {
  const message: ReportMessage = {
    ...report,
    heldOutLossNanoNats: report.heldOutLossNanoNats.toString(),
    scores: report.scores.map(({ address, role, scoreNanoNats }) => ({
      address,
      role,
      score: scoreNanoNats.toString(),
    })),
  };
  await db.query(
    `INSERT INTO epochs (epoch, status, report, receipts_hash, fixed_ms) VALUES ($1, 'pending', $2, $3, $4)`,
    [report.epoch, JSON.stringify(message), receiptsHash, nowMs],
  );
}

/** The stored report, exactly as it was fixed. */
export function reportOf({ report }: EpochRow): EpochReport {
  return {
    ...report,
    heldOutLossNanoNats: BigInt(report.heldOutLossNanoNats),
    scores: report.scores.map(({ address, role, score }) => ({
      address,
      role,
      scoreNanoNats: BigInt(score),
    })),
  };
}

export async function lastEpoch(db: Queryable): Promise<EpochRow | undefined> {
  const [row] = await db.query<EpochRow>('SELECT * FROM epochs ORDER BY epoch DESC LIMIT 1');
  return row;
}

export async function settleEpoch(db: Queryable, info: EpochInfo, payouts: readonly Payout[]): Promise<void> {
  await db.query(`UPDATE epochs SET status = 'settled', settled = $2, payouts = $3 WHERE epoch = $1`, [
    info.index,
    ...settledMessages(info, payouts),
  ]);
}

/** An epoch that another server reported: what the chain says of it is all there is. */
export async function insertSettledEpoch(
  db: Queryable,
  info: EpochInfo,
  { payouts, nowMs }: { payouts: readonly Payout[]; nowMs: number },
): Promise<void> {
  await db.query(
    `INSERT INTO epochs (epoch, status, report, receipts_hash, fixed_ms, settled, payouts)
     VALUES ($1, 'settled', '{}', '', $2, $3, $4)`,
    [info.index, nowMs, ...settledMessages(info, payouts)],
  );
}

/** Both as JSON. */
function settledMessages(info: EpochInfo, payouts: readonly Payout[]): [settled: string, paid: string] {
  const { heldOutLossNanoNats: _, ...rest } = info;
  const message: SettledMessage = { ...rest, mintedPlanck: info.mintedPlanck.toString() };
  const paid: PayoutMessage[] = payouts.map(({ address, role, scoreNanoNats, amountPlanck }) => ({
    address,
    role,
    score: scoreNanoNats.toString(),
    amountPlanck: amountPlanck.toString(),
  }));
  return [JSON.stringify(message), JSON.stringify(paid)];
}

/** A settled epoch, as the status tells of it. */
export interface SettledEpoch {
  readonly settled: SettledMessage;
  readonly payouts: readonly PayoutMessage[];
}

/**
 * The newest settled epochs, oldest first: at most `epochs` of them, and only as many as have `payouts` payouts together,
 * so that an answer stays small when thousands are paid in each. The newest is always there.
 */
export async function settledEpochs(
  db: Queryable,
  limits: { readonly epochs: number; readonly payouts: number },
): Promise<SettledEpoch[]> {
  return db.query<SettledEpoch>(
    `SELECT settled, payouts FROM (
       SELECT epoch, settled, payouts, row_number() OVER newest_first AS place,
              sum(jsonb_array_length(payouts)) OVER newest_first AS paid
       FROM (SELECT * FROM epochs WHERE status = 'settled' ORDER BY epoch DESC LIMIT $1) AS newest
       WINDOW newest_first AS (ORDER BY epoch DESC)
     ) AS counted WHERE place = 1 OR paid <= $2 ORDER BY epoch`,
    [limits.epochs, limits.payouts],
  );
}

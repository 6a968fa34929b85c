/**
 * @file Measures again what a receipt states (SCORE-5): signature, rows, bytes and weights are checked, then every loss is
 * computed anew. Trusts nothing but the server's public key. What depends on a whole round (coverage, pay) is stated in
 * the receipt and not recomputed here. Other processors sum in another order: losses agree to a tolerance, not in bits.
 */
import { createHash } from 'node:crypto';
import { type Dataset, sampleRows } from '@alice/data';
import type { LossFunction } from '@alice/model';
import {
  type DrawnRows,
  decodeAnySubmission,
  type Receipt,
  type SignedReceipt,
  SignedReceiptSchema,
  stateRoot,
  type TensorLayout,
  toHalves,
  toHex,
  verifyReceipt,
} from '@alice/protocol';
import { type FlatDelta, flattenDelta, pairedScore, pairedStatistics } from '@alice/training';
import { Value } from '@sinclair/typebox/value';
import { batchIdOf } from '../scoring/batches.js';
import { cutRanges, probedRows } from '../scoring/probedRows.js';
import { VerifyError } from './VerifyError.js';

export interface ScorePorts {
  readonly layout: TensorLayout;
  readonly lossFunction: LossFunction;
  /** The dataset named in the receipt, validation shards included. */
  readonly dataset: Pick<Dataset, 'manifest' | 'shard'>;
  /** Published weights of a version, FP32. */
  weights(version: number): Promise<Float32Array>;
  /** The bytes of the submission. */
  blob(): Promise<Uint8Array>;
}

export interface VerifiedScoreReport {
  readonly receipt: Receipt;
  /** Largest difference of a mean loss, nats. */
  readonly largestDifferenceNats: number;
  /** Measured again; null when the submission was refused before it was scored. */
  readonly gainNats: number | null;
  readonly rows: number;
}

export const DEFAULT_TOLERANCE_NATS = 1e-4;

/** Parses and checks form and signature. Throws `RECEIPT_MALFORMED`, `RECEIPT_SERVER_WRONG`, `RECEIPT_SIGNATURE_INVALID`. */
export function openReceipt(value: unknown, serverId?: string): Receipt {
  if (!Value.Check(SignedReceiptSchema, value)) {
    const reason = [...Value.Errors(SignedReceiptSchema, value)][0]?.message ?? 'another shape';
    throw new VerifyError(
      { code: 'RECEIPT_MALFORMED', reason },
      `this is not a receipt: ${reason}; take one from /v1/receipts/SUBMISSION`,
    );
  }
  const signed = value as SignedReceipt;
  const actual = signed.receipt.serverId;
  if (serverId !== undefined && serverId !== actual)
    throw new VerifyError(
      { code: 'RECEIPT_SERVER_WRONG', expected: serverId, actual },
      `the receipt is of the server ${actual}, not of ${serverId}`,
    );
  if (!verifyReceipt(signed))
    throw new VerifyError(
      { code: 'RECEIPT_SIGNATURE_INVALID', serverId: actual },
      `${actual} did not sign this receipt: it was changed, or is made up`,
    );
  return signed.receipt;
}

/** Throws the codes of `VerifyError`. Cost: each row evaluated twice. */
export async function verifyScore(
  receipt: Receipt,
  ports: ScorePorts,
  toleranceNats = DEFAULT_TOLERANCE_NATS,
): Promise<VerifiedScoreReport> {
  const check = new Check(toleranceNats);
  const { manifest } = ports.dataset;
  if (manifest.root !== receipt.dataRoot)
    throw new VerifyError(
      { code: 'RECEIPT_DATA_WRONG', expected: receipt.dataRoot, actual: manifest.root },
      `the receipt was made with the dataset ${receipt.dataRoot}, this one is ${manifest.root}`,
    );
  const delta = await deltaOf(receipt, ports);
  const before: number[] = [];
  const after: number[] = [];
  for (const { drawn, version, stateRoot: root } of receipt.looks) {
    const rows = await rowsFrom(ports.dataset, { split: 'validation', drawn, rowLength: receipt.rowLength });
    const parameters = await weightsOn(ports, version, root);
    const { stepFraction } = receipt;
    const losses = await pairedScore({ ...ports, parameters, delta, stepFraction, rows });
    check.compare(drawn, losses);
    before.push(...losses.before);
    after.push(...losses.after);
  }
  if (receipt.work) await verifyWork(receipt, receipt.work, { ports, delta, check });
  const measured = before.length > 0;
  const { meanGainNats } = pairedStatistics(Float64Array.from(before), Float64Array.from(after));
  if (measured && receipt.gainNats !== null) check.same('gainNats', receipt.gainNats, meanGainNats);
  return {
    receipt,
    largestDifferenceNats: check.largest,
    gainNats: measured ? meanGainNats : null,
    rows: check.rows,
  };
}

async function verifyWork(
  { rowLength }: Receipt,
  work: NonNullable<Receipt['work']>,
  { ports, delta, check }: { ports: ScorePorts; delta: FlatDelta; check: Check },
): Promise<void> {
  const parameters = await weightsOn(ports, work.version, work.stateRoot);
  const score = (rows: Uint16Array) => pairedScore({ ...ports, parameters, delta, stepFraction: 1, rows });
  const { assigned, control, ranges, orderSeed, usedRows: used } = work;
  checkSeed(assigned);
  const cut = await cutRanges(ranges, rowLength, (shard) => ports.dataset.shard(shard));
  const drawn = { count: assigned.rows, seed: assigned.seed };
  check.compare(assigned, await score(probedRows({ rows: cut, rowLength, orderSeed, used }, drawn)));
  const others = await rowsFrom(ports.dataset, { split: 'train', drawn: control, rowLength });
  check.compare(control, await score(others));
}

async function deltaOf(receipt: Receipt, { blob, layout }: ScorePorts): Promise<FlatDelta> {
  const bytes = await blob();
  const actual = toHex(new Uint8Array(createHash('sha256').update(bytes).digest()));
  if (actual !== receipt.blob.hash)
    throw new VerifyError(
      { code: 'RECEIPT_BLOB_WRONG', expected: receipt.blob.hash, actual },
      `the submission has hash ${actual}, the receipt is about ${receipt.blob.hash}`,
    );
  const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
  return flattenDelta((await decodeAnySubmission(bytes, limits)).delta, layout);
}

async function weightsOn(
  { layout, weights }: ScorePorts,
  version: number,
  root: string,
): Promise<Float32Array> {
  const parameters = await weights(version);
  const actual = stateRoot(toHalves(parameters, { saturate: true }), layout);
  if (actual === root) return parameters.slice();
  throw new VerifyError(
    { code: 'RECEIPT_WEIGHTS_WRONG', version, expected: root, actual },
    `these weights have root ${actual}; the receipt was measured on root ${root} of version ${version}`,
  );
}

async function rowsFrom(
  dataset: ScorePorts['dataset'],
  { split, drawn, rowLength }: { split: 'validation' | 'train'; drawn: DrawnRows; rowLength: number },
): Promise<Uint16Array> {
  checkSeed(drawn);
  return sampleRows({ dataset, split, rows: drawn.rows, rowLength, seed: drawn.seed });
}

/** Scorers were given this name of the rows before the seed was public, so the server cannot have chosen it since. */
function checkSeed({ seed, batchId }: DrawnRows): void {
  if (batchIdOf(seed) === batchId) return;
  throw new VerifyError(
    { code: 'RECEIPT_BATCH_WRONG', batchId },
    `the seed in the receipt does not belong to the batch ${batchId}`,
  );
}

/** Compares means and remembers the largest difference. */
class Check {
  largest = 0;
  rows = 0;
  readonly #tolerance: number;

  constructor(toleranceNats: number) {
    this.#tolerance = toleranceNats;
  }

  compare(stated: DrawnRows, { before, after }: { before: Float64Array; after: Float64Array }): void {
    const mean = (losses: Float64Array): number =>
      losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    this.rows += before.length;
    this.same('meanLossBeforeNats', stated.meanLossBeforeNats, mean(before));
    const measured = mean(after);
    if (stated.meanLossAfterNats !== null || Number.isFinite(measured))
      this.same('meanLossAfterNats', stated.meanLossAfterNats, measured);
  }

  same(what: string, stated: number | null, measured: number): void {
    const difference = stated === null ? Number.POSITIVE_INFINITY : Math.abs(stated - measured);
    if (!(difference <= this.#tolerance))
      throw new VerifyError(
        { code: 'SCORE_DIFFERS', what, stated, measured, tolerance: this.#tolerance },
        `${what} is ${measured} when measured again, the receipt says ${stated}: more than ${this.#tolerance} apart`,
      );
    this.largest = Math.max(this.largest, difference);
  }
}

/**
 * @file What an answer about a submission means for the work in it, as pure functions. Everything the network will not
 * apply goes back into the residual (SPEC WIRE-2), except what would do harm again.
 */
import { isServerCallError, type Submission } from '@alice/protocol';
import type { Outcome } from './trainer.js';

export type DeliveryVerdict =
  | { readonly kind: 'received'; readonly submissionId: string }
  | { readonly kind: 'refused'; readonly code: string };

/** The delta itself made the loss NaN or infinite: giving it back would send it again. */
const HARMFUL: ReadonlySet<string> = new Set(['NOT_FINITE']);

/**
 * Judges why an upload failed. `NONCE_USED` for identical bytes is the answer to an upload whose first answer was
 * lost: it was received (SPEC TASK-1). Rethrows what is no judgement on the submission: no connection, no permission.
 */
export function judgeDelivery(error: unknown): DeliveryVerdict {
  if (!isServerCallError(error) || error.info.code !== 'SERVER_REFUSED') throw error;
  const { status, refusal, detail } = error.info;
  if (refusal === 'NONCE_USED' && detail['identical'] === true && typeof detail['submissionId'] === 'string')
    return { kind: 'received', submissionId: detail['submissionId'] };
  if (status === 401 || status === 403 || status === 408 || status === 429 || status >= 500) throw error;
  return { kind: 'refused', code: refusal };
}

export type SubmissionVerdict =
  | { readonly kind: 'queued' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly code: string; readonly outcome: Outcome };

/** Judges a submission's status. `accepted` is not final while its round may still be rolled back. */
export function judgeVerdict({ status, code }: Pick<Submission, 'status' | 'code'>): SubmissionVerdict {
  if (status !== 'refused') return { kind: status };
  const known = code ?? 'REFUSED';
  return { kind: 'refused', code: known, outcome: HARMFUL.has(known) ? 'lost' : 'returned' };
}

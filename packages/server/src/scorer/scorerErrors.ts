/** @file Every coded error of a scorer process. The server's refusals keep their own codes. */
import { CodedError } from '@alice/protocol';

export type ScorerErrorInfo =
  | { code: 'SCORER_VERSION_UNSIGNED'; version: number } // not signed by this network's server: do not score it
  | { code: 'SCORER_VERSION_WRONG'; version: number; expected: string; actual: string } // job and manifest disagree
  | { code: 'SCORER_BLOB_CORRUPT'; hash: string; actual: string } // the bytes came damaged: fetch them again
  | { code: 'SCORER_WEIGHTS_BROKEN'; version: number }; // a published version has losses that are not finite

export class ScorerError extends CodedError<ScorerErrorInfo> {
  override name = 'ScorerError';
}

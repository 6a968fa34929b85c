/**
 * @file Sends a submission so that a broken connection costs only what was on its way: the bytes are announced by their hash,
 * and after a break the server is asked how much it has, and gets the rest. A server that keeps nothing gets all of it again.
 */
import { sha256HexByPlatform } from '../hash.js';
import { refusalOf } from './clientErrors.js';
import type { AnswerOf, CallOptions } from './clientTypes.js';
import type { RouteName } from './routes.js';
import type { Submission } from './schemas.js';
import { digestField } from './uploads.js';

export interface SubmissionSending {
  readonly taskId: string;
  readonly bytes: Uint8Array;
  /** Some of it may have been sent before, by this process or an earlier one. */
  readonly mayHaveBegun: boolean;
  /** One exchange; nothing is repeated in it. */
  once<N extends RouteName>(name: N, options: CallOptions<N>): Promise<AnswerOf<N>>;
}

/** Of a try: whether the server has more than it had before the last one, so that trying on is worth while. */
export type SendingTry = (progressed: () => void) => Promise<Submission>;

/** Refusals of the rest after which all of it is sent: what was kept may not be ours, or be damaged. */
const AFRESH = /^(UPLOAD_(UNKNOWN|OFFSET_WRONG|DIFFERS|DIGEST_WRONG)$|WIRE_)/;
/** What servers say that do not know the route. */
const NOT_THERE: ReadonlySet<string> = new Set(['NOT_FOUND', 'HTTP_404', 'HTTP_405', 'HTTP_501']);

export async function sendingOf({
  taskId,
  bytes,
  mayHaveBegun,
  once,
}: SubmissionSending): Promise<SendingTry> {
  const hash = await sha256HexByPlatform(bytes);
  const params = { taskId };
  const digest = digestField(hash);
  let isFirst = !mayHaveBegun;
  let had = 0;

  const whole = (): Promise<Submission> =>
    once('submit', { params, headers: { 'repr-digest': digest }, body: bytes });
  const rest = async (offset: number): Promise<Submission> => {
    const headers = { 'repr-digest': digest, 'upload-offset': String(offset), 'upload-complete': '?1' };
    try {
      return await once('resume', { params, headers, body: bytes.subarray(offset) });
    } catch (error) {
      if (AFRESH.test(refusalOf(error) ?? '')) return whole();
      throw error;
    }
  };
  return async (progressed) => {
    if (isFirst) {
      isFirst = false;
      return whole();
    }
    const state = await once('upload', { params }).catch((error: unknown) => {
      if (NOT_THERE.has(refusalOf(error) ?? '')) return undefined;
      throw error;
    });
    if (state?.digest !== hash) return whole();
    if (state.submissionId !== null)
      return once('submission', { params: { submissionId: state.submissionId } });
    if (state.offsetBytes > had) progressed();
    had = state.offsetBytes;
    return state.offsetBytes > 0 && state.offsetBytes <= bytes.length ? rest(state.offsetBytes) : whole();
  };
}

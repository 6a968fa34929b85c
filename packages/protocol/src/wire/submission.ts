/**
 * @file One way to read and write submissions of every format: the version byte of the header says which. What a task
 * asks for is a `WireFormat`; a receiver that names it accepts no other, so nobody buys precision with another format.
 */
import type { SparseDelta } from '../sparseDelta.js';
import type { TensorLayout } from '../tensorLayout.js';
import {
  decodeSubmission,
  decodeSubmissionHeader,
  encodeSubmission,
  type SubmissionHeader,
  type SubmissionLimits,
} from './binaryV2.js';
import {
  checkArrivingV3,
  decodeSubmissionHeaderV3,
  decodeSubmissionV3,
  encodeSubmissionV3,
} from './binaryV3.js';
import { WireError } from './errors.js';
import { checkExpected } from './headerChecks.js';
import { roundDelta, type ValueBits } from './quantize.js';
import { type BodyShape, checkBodyShape } from './sparseBody.js';

const VERSION_AT = 4;
const VERSION_V3 = 3;

/** How a delta travels: with its FP32 values unchanged, or rounded to 2, 4 or 8 bits each. */
export type WireFormat =
  | { readonly wire: 'binary_v2' }
  | { readonly wire: 'binary_v3'; readonly valueBits: ValueBits };

/** What any submission's header says. */
export interface AnySubmissionFrame extends Pick<BodyShape, 'tensorCount' | 'entryCount'> {
  readonly format: WireFormat;
  readonly header: SubmissionHeader;
  /** Of all that follows the header. */
  readonly bodyBytes: number;
}

export interface AnySubmissionLimits extends SubmissionLimits {
  /** The only format accepted; any when left out. */
  readonly format?: WireFormat;
}

/** A submission's bytes in the format asked for. Throws as the format's own encoder. */
export async function encodeAnySubmission(
  header: SubmissionHeader,
  delta: SparseDelta,
  { layout, format }: { readonly layout: TensorLayout; readonly format: WireFormat },
): Promise<Uint8Array> {
  if (format.wire === 'binary_v2') return encodeSubmission(header, delta, layout);
  return encodeSubmissionV3(header, delta, { layout, valueBits: format.valueBits });
}

/** The delta as receivers decode it from this format: what error feedback must subtract. Throws `WIRE_NOT_FINITE`. */
export function deltaAsDecoded(delta: SparseDelta, format: WireFormat): SparseDelta {
  return format.wire === 'binary_v2' ? delta : roundDelta(delta, format.valueBits);
}

/** The header alone, from a prefix of at least `SUBMISSION_HEADER_BYTES`. Throws as the format's own decoder. */
export function decodeAnySubmissionHeader(bytes: Uint8Array): AnySubmissionFrame {
  if (bytes[VERSION_AT] !== VERSION_V3) {
    const { header, tensorCount, entryCount, deflatedBytes: bodyBytes } = decodeSubmissionHeader(bytes);
    return { format: { wire: 'binary_v2' }, header, tensorCount, entryCount, bodyBytes };
  }
  const { header, tensorCount, entryCount, valueBits, bodyBytes } = decodeSubmissionHeaderV3(bytes);
  return { format: { wire: 'binary_v3', valueBits }, header, tensorCount, entryCount, bodyBytes };
}

/** Looks at the body of a submission part by part as it arrives, and keeps none of it. */
export interface ArrivingBody {
  /** Throws what decoding the whole would, as soon as it shows. */
  add(part: Uint8Array): void;
  /** All has arrived: the L2 norm of its values. Throws `WIRE_TRUNCATED`. */
  end(): number;
}

/**
 * Checks what a header announces against layout and limits, before any of the body is there. Returns how to check the
 * body on its way; undefined for `binary_v2`, whose stream is checked when it is whole.
 * Throws as `decodeAnySubmission` does about headers.
 */
export function checkArriving(
  head: Uint8Array,
  { layout, expected = {}, ...limits }: SubmissionLimits,
): ArrivingBody | undefined {
  if (head[VERSION_AT] === VERSION_V3) return checkArrivingV3(head, { layout, expected, ...limits });
  const { header, deflatedBytes: _, ...shape } = decodeSubmissionHeader(head);
  checkExpected(header, expected);
  checkBodyShape('float32', shape, layout, limits);
  return undefined;
}

/**
 * Any submission's header, delta and format, checked in full.
 * Throws as the format's own decoder, and `WIRE_UNEXPECTED` when the task asked for another format.
 */
export async function decodeAnySubmission(
  bytes: Uint8Array,
  { format: expected, ...limits }: AnySubmissionLimits,
): Promise<{ header: SubmissionHeader; delta: SparseDelta; format: WireFormat }> {
  const { format } = decodeAnySubmissionHeader(bytes);
  if (expected && nameOf(format) !== nameOf(expected))
    throw new WireError(
      { code: 'WIRE_UNEXPECTED', field: 'format', expected: nameOf(expected), actual: nameOf(format) },
      `the submission is in ${nameOf(format)}, its task asks for ${nameOf(expected)}`,
    );
  const decode = format.wire === 'binary_v2' ? decodeSubmission : decodeSubmissionV3;
  return { ...(await decode(bytes, limits)), format };
}

function nameOf(format: WireFormat): string {
  return format.wire === 'binary_v2' ? format.wire : `${format.wire} with ${format.valueBits}-bit values`;
}

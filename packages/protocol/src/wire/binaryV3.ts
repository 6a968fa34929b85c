/**
 * @file `binary_v3`, the bytes of a submission at close to their entropy: the header of `binary_v2` with the width of
 * a value, then coded indices and rounded values. Byte table: docs/spec/wire.md. A submission has exactly one encoding
 * and the decoder accepts no other, so equal content has equal bytes and hashes. As strict and bounded as `binary_v2`.
 */
import { utf8 } from '../bytes.js';
import { entryCount, type SparseDelta } from '../sparseDelta.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteReader, needBytes, noMoreThan } from './ByteReader.js';
import { ByteWriter, fieldError } from './ByteWriter.js';
import { SUBMISSION_HEADER_BYTES, type SubmissionHeader, type SubmissionLimits } from './binaryV2.js';
import { empty } from './bodyErrors.js';
import { decodeQuantizedBody, QuantizedBodyCheck, type QuantizedShape } from './decodeQuantizedBody.js';
import { encodeQuantizedBody } from './encodeQuantizedBody.js';
import { WireError } from './errors.js';
import { checkDtype, checkExpected, checkFormat } from './headerChecks.js';
import { VALUE_BITS, type ValueBits } from './quantize.js';
import { checkBodyShape } from './sparseBody.js';
import { readFields, writeFields } from './submissionFields.js';

const FORMAT = 'submission';
/** As in `binary_v2`: a program that knows only that one then says "version", not "not a submission". */
const MAGIC = 'ALB2';
const VERSION = 3;
/** values are theta_new − theta_old, to be ADDED to weights. */
const SIGN_ADDED = 1;
const DTYPE_BLOCK_SCALED = 3;
/** What an entry decodes to at the least in `binary_v2`; the limit on inflated bytes means the same for both. */
const PLAIN_ENTRY_BYTES = 6;

/** The header with what it announces about the body. */
export interface QuantizedFrame extends QuantizedShape {
  readonly header: SubmissionHeader;
  readonly bodyBytes: number;
}

/**
 * A submission's bytes; values are rounded to `valueBits` unless they were already. // SPEC WIRE-2
 * Throws the same codes as the decoder for a delta or header it would refuse. Cost: linear in entries and chunks.
 */
export async function encodeSubmissionV3(
  header: SubmissionHeader,
  delta: SparseDelta,
  { layout, valueBits }: { readonly layout: TensorLayout; readonly valueBits: ValueBits },
): Promise<Uint8Array> {
  if (entryCount(delta) === 0) throw empty();
  const body = encodeQuantizedBody(delta.tensors, layout, knownBits(valueBits));
  const { counts, positions, scales, packedCodes } = body;
  const scaleBytes = scales.reduce((sum, part) => sum + 2 * part.length, 0);
  const bodyBytes = counts.length + positions.length + scaleBytes + packedCodes.length;
  const writer = new ByteWriter(SUBMISSION_HEADER_BYTES + bodyBytes)
    .raw(utf8.encode(MAGIC))
    .u8('version', VERSION)
    .u8('sign', SIGN_ADDED)
    .u8('dtype', DTYPE_BLOCK_SCALED)
    .u8('valueBits', valueBits);
  writeFields(writer, header, body);
  writer.u32('countBytes', counts.length).u32('bodyBytes', bodyBytes).raw(counts).raw(positions);
  for (const part of scales) for (const scale of part) writer.u16('scale', scale);
  return writer.raw(packedCodes).bytes;
}

/**
 * Reads and checks the header alone, from a prefix of at least `SUBMISSION_HEADER_BYTES`.
 * Throws `WIRE_TRUNCATED`, `WIRE_MAGIC`, `WIRE_VERSION`, `WIRE_SIGN`, `WIRE_DTYPE`, `WIRE_FIELD`, `WIRE_EMPTY`,
 * `WIRE_NOT_FINITE`.
 */
export function decodeSubmissionHeaderV3(bytes: Uint8Array): QuantizedFrame {
  needBytes(SUBMISSION_HEADER_BYTES, bytes.length);
  const reader = new ByteReader(bytes);
  checkFormat(reader, { format: FORMAT, magic: MAGIC, version: VERSION });
  const sign = reader.u8();
  if (sign !== SIGN_ADDED)
    throw new WireError(
      { code: 'WIRE_SIGN', sign },
      'values must be theta_new − theta_old (sign convention 1)',
    );
  checkDtype(reader.u8(), DTYPE_BLOCK_SCALED);
  const valueBits = knownBits(reader.u8());
  const fields = readFields(reader);
  return { ...fields, valueBits, countBytes: reader.u32(), bodyBytes: reader.u32() };
}

/**
 * A submission's header and delta, checked in full. // SPEC WIRE-2
 * Throws `WireError` with any of its decoding codes, and nothing else for any bytes whatever.
 * Cost: O(bytes + entries + chunks of the layout); memory ≤ 12 bytes an entry, and 2 a chunk of the layout.
 */
export async function decodeSubmissionV3(
  bytes: Uint8Array,
  limits: SubmissionLimits,
): Promise<{ header: SubmissionHeader; delta: SparseDelta }> {
  const { header, bodyBytes, ...shape } = checkedFrame(bytes, limits);
  needBytes(SUBMISSION_HEADER_BYTES + bodyBytes, bytes.length);
  noMoreThan(SUBMISSION_HEADER_BYTES + bodyBytes, bytes.length);
  return {
    header,
    delta: decodeQuantizedBody(bytes.subarray(SUBMISSION_HEADER_BYTES), shape, limits.layout),
  };
}

/**
 * The same checks for a body that is still on its way; `head` is what `decodeSubmissionHeaderV3` takes.
 * Cost: as for decoding; memory ≤ 6 bytes for each 64 entries, and 2 a chunk of the layout.
 */
export function checkArrivingV3(head: Uint8Array, limits: SubmissionLimits): QuantizedBodyCheck {
  const { header: _, bodyBytes, ...shape } = checkedFrame(head, limits);
  return new QuantizedBodyCheck(shape, { layout: limits.layout, bodyBytes });
}

function checkedFrame(
  bytes: Uint8Array,
  { layout, expected = {}, ...limits }: SubmissionLimits,
): QuantizedFrame {
  const frame = decodeSubmissionHeaderV3(bytes);
  checkExpected(frame.header, expected);
  const inflatedBytes = PLAIN_ENTRY_BYTES * frame.entryCount;
  checkBodyShape('float32', { ...frame, inflatedBytes }, layout, limits);
  return frame;
}

function knownBits(bits: number): ValueBits {
  const known = VALUE_BITS.find((width) => width === bits);
  if (known === undefined) throw fieldError('valueBits', bits);
  return known;
}

/**
 * @file `binary_v2`, the bytes of a submission: a fixed header, then the sparse delta as a zlib stream. Byte table:
 * docs/spec/wire.md. The decoder trusts nothing: every number is checked against the layout and the caller's limits
 * before memory is taken for it, and the inflated size is known and bounded before inflating.
 */
import { zlibSync } from 'fflate';
import { type HexString, utf8 } from '../bytes.js';
import type { HashHex } from '../hash.js';
import { entryCount, type SparseDelta } from '../sparseDelta.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteReader, needBytes, noMoreThan } from './ByteReader.js';
import { ByteWriter, fieldError } from './ByteWriter.js';
import { decodeBody } from './decodeBody.js';
import { encodeBody } from './encodeBody.js';
import { WireError } from './errors.js';
import { checkDtype, checkExpected, checkFormat } from './headerChecks.js';
import { inflate } from './inflate.js';
import { type BodyShape, bodyShape, checkBodyShape } from './sparseBody.js';
import { readFields, writeFields } from './submissionFields.js';

export const SUBMISSION_HEADER_BYTES = 116;
const FORMAT = 'submission';
const MAGIC = 'ALB2';
const VERSION = 2;
/** values are theta_new − theta_old, to be ADDED to weights. There is no other convention. */
const SIGN_ADDED = 1;
const DTYPE_FLOAT32 = 1;
/** Little is gained above this: values are nearly random bits. */
const DEFLATE_LEVEL = 3;

/** What a submission says about itself. Claims: nothing here is paid for (TASK-2). */
export interface SubmissionHeader {
  /** 16 bytes. */
  readonly taskId: HexString;
  /** 32 bytes, good for one submission (TASK-1). */
  readonly nonce: HexString;
  /** Of the weights the delta starts from. */
  readonly stateRoot: HashHex;
  readonly baseVersion: number;
  /** Inner steps done, at least 1. */
  readonly innerSteps: number;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Mean over the inner steps; FP32 on the wire. */
  readonly meanTrainingLossNats: number;
}

/** The header with what it announces about the body. */
export interface SubmissionFrame extends BodyShape {
  readonly header: SubmissionHeader;
  readonly deflatedBytes: number;
}

/** Fields a receiver already knows; a submission that says otherwise is refused before its body is touched. */
export type ExpectedSubmission = Partial<
  Pick<SubmissionHeader, 'taskId' | 'nonce' | 'stateRoot' | 'baseVersion'>
>;

export interface SubmissionLimits {
  readonly layout: TensorLayout;
  readonly expected?: ExpectedSubmission;
  readonly maxEntries: number;
  readonly maxInflatedBytes: number;
}

/**
 * A submission's bytes. // SPEC WIRE-2
 * Throws the same codes as the decoder for a delta or header it would refuse. Cost: deflating 6 bytes an entry.
 */
export async function encodeSubmission(
  header: SubmissionHeader,
  delta: SparseDelta,
  layout: TensorLayout,
): Promise<Uint8Array> {
  if (entryCount(delta) === 0) throw emptyDelta();
  const shape = bodyShape('float32', delta.tensors, layout);
  const deflated = zlibSync(encodeBody('float32', delta.tensors, layout), { level: DEFLATE_LEVEL });
  const writer = new ByteWriter(SUBMISSION_HEADER_BYTES + deflated.length)
    .raw(utf8.encode(MAGIC))
    .u8('version', VERSION)
    .u8('sign', SIGN_ADDED)
    .u8('dtype', DTYPE_FLOAT32)
    .u8('reserved', 0);
  writeFields(writer, header, shape);
  writer.u32('inflatedBytes', shape.inflatedBytes).u32('deflatedBytes', deflated.length).raw(deflated);
  return writer.bytes;
}

/**
 * Reads and checks the header alone, from a prefix of at least `SUBMISSION_HEADER_BYTES`: cheap enough to run before
 * an upload is accepted.
 * Throws `WIRE_TRUNCATED`, `WIRE_MAGIC`, `WIRE_VERSION`, `WIRE_SIGN`, `WIRE_DTYPE`, `WIRE_FIELD`, `WIRE_EMPTY`,
 * `WIRE_NOT_FINITE`.
 */
export function decodeSubmissionHeader(bytes: Uint8Array): SubmissionFrame {
  needBytes(SUBMISSION_HEADER_BYTES, bytes.length);
  const reader = new ByteReader(bytes);
  checkFormat(reader, { format: FORMAT, magic: MAGIC, version: VERSION });
  const sign = reader.u8();
  if (sign !== SIGN_ADDED)
    throw new WireError(
      { code: 'WIRE_SIGN', sign },
      'values must be theta_new − theta_old (sign convention 1)',
    );
  checkDtype(reader.u8(), DTYPE_FLOAT32);
  const reserved = reader.u8();
  if (reserved !== 0) throw fieldError('reserved', reserved);
  return { ...readFields(reader), inflatedBytes: reader.u32(), deflatedBytes: reader.u32() };
}

/**
 * A submission's header and delta, checked in full. // SPEC WIRE-2
 * Throws `WireError` with any of its decoding codes, and nothing else for any bytes whatever.
 * Cost: O(bytes + inflated bytes + tensors of the layout); memory ≤ inflated bytes + 8 bytes an entry.
 */
export async function decodeSubmission(
  bytes: Uint8Array,
  { layout, expected = {}, ...limits }: SubmissionLimits,
): Promise<{ header: SubmissionHeader; delta: SparseDelta }> {
  const { header, deflatedBytes, ...shape } = decodeSubmissionHeader(bytes);
  checkExpected(header, expected);
  checkBodyShape('float32', shape, layout, limits);
  needBytes(SUBMISSION_HEADER_BYTES + deflatedBytes, bytes.length);
  noMoreThan(SUBMISSION_HEADER_BYTES + deflatedBytes, bytes.length);
  const body = inflate(bytes.subarray(SUBMISSION_HEADER_BYTES), shape.inflatedBytes);
  return { header, delta: { tensors: decodeBody('float32', body, shape, layout) } };
}

function emptyDelta(): WireError {
  return new WireError(
    { code: 'WIRE_EMPTY' },
    'the delta has no entries: nothing was learned, so there is nothing to submit',
  );
}

/**
 * @file Set-deltas: what changed between two published versions as (element → NEW half), so that applying one twice
 * changes nothing, the sign cannot be wrong, and the copy is bit-identical to what was published. Byte table:
 * docs/spec/wire.md. Whether the result IS the published version is for the state root to say.
 */
import { concatBytes } from '../bytes.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteReader, needBytes, noMoreThan } from './ByteReader.js';
import { fieldError } from './ByteWriter.js';
import { decodeBody } from './decodeBody.js';
import { checkDtype, checkExpected, checkFormat } from './headerChecks.js';
import { inflate } from './inflate.js';
import {
  checkSize,
  DTYPE_FLOAT16,
  laterThan,
  SET_DELTA_FORMAT_VERSION,
  SET_DELTA_HEADER_BYTES,
  SET_DELTA_MAGIC,
  SetDeltaEncoder,
  type SetDeltaHeader,
} from './setDeltaEncoder.js';
import { type BodyShape, type BodyTensor, checkBodyShape } from './sparseBody.js';

const FORMAT = 'set-delta';

export interface SetTensor extends BodyTensor<'float16'> {
  /** Where the tensor starts in the flat vector. */
  readonly offset: number;
}

/** New halves of the changed elements; no tensors when the versions are equal. */
export interface SetDelta {
  readonly header: SetDeltaHeader;
  readonly tensors: readonly SetTensor[];
  /** Size of the vector it applies to. */
  readonly size: number;
}

/**
 * The bytes that turn `from` into `to`, two vectors of halves laid out by `layout`. // SPEC WIRE-3
 * Throws `WIRE_SIZE`, `WIRE_NOT_FINITE` (a changed element became ±Inf or NaN), `WIRE_FIELD`.
 * Cost: one pass over both vectors, deflating 4 bytes per changed element.
 */
export async function encodeSetDelta(
  header: SetDeltaHeader,
  {
    from,
    to,
    layout,
  }: { readonly from: Uint16Array; readonly to: Uint16Array; readonly layout: TensorLayout },
): Promise<Uint8Array> {
  checkSize(layout.size, from.length);
  checkSize(layout.size, to.length);
  const encoder = new SetDeltaEncoder(layout);
  encoder.add(from, to);
  const bytes = encoder.finish(header);
  if (!bytes) throw fieldError('inflatedBytes', 'beyond 4 GiB');
  return concatBytes(...[...bytes.pieces()].map((piece) => piece.slice()));
}

export interface SetDeltaLimits {
  readonly layout: TensorLayout;
  readonly expected?: Partial<SetDeltaHeader>;
  /** Default: what a delta that changes every element takes. */
  readonly maxInflatedBytes?: number;
}

/**
 * A set-delta, checked in full. // SPEC WIRE-3
 * Throws `WireError`, and nothing else for any bytes whatever. Cost: O(bytes + inflated bytes + tensors of the layout).
 */
export async function decodeSetDelta(
  bytes: Uint8Array,
  { layout, expected = {}, maxInflatedBytes = Number.MAX_SAFE_INTEGER }: SetDeltaLimits,
): Promise<SetDelta> {
  const { header, deflatedBytes, ...shape } = decodeHeader(bytes);
  checkExpected(header, expected);
  checkBodyShape('float16', shape, layout, { maxEntries: layout.size, maxInflatedBytes });
  needBytes(SET_DELTA_HEADER_BYTES + deflatedBytes, bytes.length);
  noMoreThan(SET_DELTA_HEADER_BYTES + deflatedBytes, bytes.length);
  const body = inflate(bytes.subarray(SET_DELTA_HEADER_BYTES), shape.inflatedBytes);
  const tensors = decodeBody('float16', body, shape, layout).map((part) => ({
    ...part,
    offset: layout.tensors[part.tensor]!.offset,
  }));
  return { header, tensors, size: layout.size };
}

/**
 * Writes the new halves into `halves` in place; twice is the same as once. Returns how many elements it wrote.
 * Throws `WIRE_SIZE` before writing anything.
 */
export function applySetDelta(halves: Uint16Array, delta: SetDelta): number {
  checkSize(delta.size, halves.length);
  let written = 0;
  for (const { offset, indices, values } of delta.tensors) {
    for (let i = 0; i < indices.length; i++) halves[offset + indices[i]!] = values[i]!;
    written += indices.length;
  }
  return written;
}

function decodeHeader(bytes: Uint8Array): BodyShape & { header: SetDeltaHeader; deflatedBytes: number } {
  needBytes(SET_DELTA_HEADER_BYTES, bytes.length);
  const reader = new ByteReader(bytes);
  checkFormat(reader, {
    format: FORMAT,
    magic: SET_DELTA_MAGIC,
    version: SET_DELTA_FORMAT_VERSION,
  });
  checkDtype(reader.u8(), DTYPE_FLOAT16);
  const tensorCount = reader.u16();
  const fromVersion = reader.u32();
  const toVersion = laterThan(fromVersion, reader.u32());
  const header = { fromVersion, toVersion, fromRoot: reader.hex(32), toRoot: reader.hex(32) };
  const reserved = reader.u32();
  if (reserved !== 0) throw fieldError('reserved', reserved);
  return {
    header,
    tensorCount,
    entryCount: reader.u32(),
    inflatedBytes: reader.u32(),
    deflatedBytes: reader.u32(),
  };
}

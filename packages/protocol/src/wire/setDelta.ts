/**
 * @file Set-deltas: what changed between two published versions as (element → NEW half), so that applying one twice
 * changes nothing, the sign cannot be wrong, and the copy is bit-identical to what was published. Byte table:
 * docs/spec/wire.md. Whether the result IS the published version is for the state root to say.
 */
import { zlibSync } from 'fflate';
import { utf8 } from '../bytes.js';
import type { HashHex } from '../hash.js';
import type { TensorLayout } from '../tensorLayout.js';
import { ByteReader, needBytes, noMoreThan } from './ByteReader.js';
import { ByteWriter, fieldError } from './ByteWriter.js';
import { decodeBody } from './decodeBody.js';
import { encodeBody } from './encodeBody.js';
import { WireError } from './errors.js';
import { checkDtype, checkExpected, checkFormat } from './headerChecks.js';
import { inflate } from './inflate.js';
import { type BodyShape, type BodyTensor, bodyShape, checkBodyShape } from './sparseBody.js';

export const SET_DELTA_HEADER_BYTES = 96;
const FORMAT = 'set-delta';
const MAGIC = 'ALSD';
const VERSION = 1;
const DTYPE_FLOAT16 = 2;
const DEFLATE_LEVEL = 6;

export interface SetDeltaHeader {
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly fromRoot: HashHex;
  readonly toRoot: HashHex;
}

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
  const tensors = changedTensors(from, to, layout);
  const shape = bodyShape('float16', tensors, layout);
  const deflated = zlibSync(encodeBody('float16', tensors, layout), { level: DEFLATE_LEVEL });
  return new ByteWriter(SET_DELTA_HEADER_BYTES + deflated.length)
    .raw(utf8.encode(MAGIC))
    .u8('version', VERSION)
    .u8('dtype', DTYPE_FLOAT16)
    .u16('tensorCount', shape.tensorCount)
    .u32('fromVersion', header.fromVersion)
    .u32('toVersion', laterThan(header.fromVersion, header.toVersion))
    .hex('fromRoot', header.fromRoot, 32)
    .hex('toRoot', header.toRoot, 32)
    .u32('reserved', 0)
    .u32('entryCount', shape.entryCount)
    .u32('inflatedBytes', shape.inflatedBytes)
    .u32('deflatedBytes', deflated.length)
    .raw(deflated).bytes;
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
  checkFormat(reader, { format: FORMAT, magic: MAGIC, version: VERSION });
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

function changedTensors(from: Uint16Array, to: Uint16Array, layout: TensorLayout): BodyTensor<'float16'>[] {
  const changed: BodyTensor<'float16'>[] = [];
  layout.tensors.forEach(({ offset, size }, tensor) => {
    let count = 0;
    for (let at = offset; at < offset + size; at++) if (from[at] !== to[at]) count++;
    if (count === 0) return;
    const indices = new Uint32Array(count);
    const values = new Uint16Array(count);
    for (let at = offset, entry = 0; entry < count; at++) {
      if (from[at] === to[at]) continue;
      indices[entry] = at - offset;
      values[entry++] = to[at]!;
    }
    changed.push({ tensor, indices, values });
  });
  return changed;
}

function laterThan(fromVersion: number, toVersion: number): number {
  if (toVersion <= fromVersion) throw fieldError('toVersion', toVersion);
  return toVersion;
}

function checkSize(expected: number, got: number): void {
  if (expected !== got)
    throw new WireError(
      { code: 'WIRE_SIZE', expected, got },
      `a vector of ${got} halves where the layout has ${expected}`,
    );
}

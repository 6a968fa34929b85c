/**
 * @file State that survives a restart (optimiser sums, error-feedback residual) as one checked byte string.
 * Layout: magic "ALS1", kind (4 ASCII), header length u32, header JSON, FP32 vectors, SHA-256 of everything before.
 * All numbers little-endian. Knows nothing about what the vectors mean. It never opens state of another kind.
 */
import { bytesOf, concatBytes, equalBytes, sha256, utf8 } from '@alice/protocol';
import { TrainingError } from './errors.js';

const MAGIC = utf8.encode('ALS1');
const PREFIX_BYTES = 12;
const HASH_BYTES = 32;

export interface StateContent {
  /** Small facts the owner needs to check that the state is its own: model size, step count. */
  readonly facts: Readonly<Record<string, number>>;
  readonly vectors: readonly Float32Array[];
}

/** Packs state so that damage or a mix-up is noticed when it is opened. `kind`: four ASCII letters. */
export function sealState(kind: string, { facts, vectors }: StateContent): Uint8Array {
  const header = utf8.encode(JSON.stringify({ facts, lengths: vectors.map((v) => v.length) }));
  const headerLength = new Uint8Array(4);
  new DataView(headerLength.buffer).setUint32(0, header.length, true);
  const body = concatBytes(MAGIC, utf8.encode(kind), headerLength, header, ...vectors.map(littleEndian));
  return concatBytes(body, sha256(body));
}

/** Unpacks what `sealState` made. Throws `STATE_INVALID` when a byte changed or the kind differs. */
export function openState(kind: string, bytes: Uint8Array): StateContent {
  const refuse = (reason: string): never => {
    throw new TrainingError(
      { code: 'STATE_INVALID', kind, reason },
      `the stored ${kind} state cannot be used (${reason}): delete it and start with empty state`,
    );
  };
  if (bytes.length < PREFIX_BYTES + HASH_BYTES) return refuse('too short');
  const body = bytes.subarray(0, bytes.length - HASH_BYTES);
  if (!equalBytes(body.subarray(0, 4), MAGIC)) return refuse('unknown format');
  if (!equalBytes(body.subarray(4, 8), utf8.encode(kind))) return refuse('another kind of state');
  if (!equalBytes(sha256(body), bytes.subarray(bytes.length - HASH_BYTES))) return refuse('checksum');
  const headerLength = new DataView(body.buffer, body.byteOffset).getUint32(8, true);
  const header = JSON.parse(utf8.decode(body.subarray(PREFIX_BYTES, PREFIX_BYTES + headerLength))) as {
    facts: Record<string, number>;
    lengths: number[];
  };
  // The checksum matched, so lengths are what sealState wrote.
  let at = PREFIX_BYTES + headerLength;
  const vectors = header.lengths.map((length) => {
    const vector = new Float32Array(length);
    bytesOf(vector).set(body.subarray(at, at + 4 * length));
    at += 4 * length;
    return LITTLE_ENDIAN ? vector : swapped(vector);
  });
  return { facts: header.facts, vectors };
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function littleEndian(vector: Float32Array): Uint8Array {
  return bytesOf(LITTLE_ENDIAN ? vector : swapped(vector));
}

function swapped(vector: Float32Array): Float32Array {
  const copy = vector.slice();
  const view = new DataView(copy.buffer);
  for (let i = 0; i < copy.length; i++) view.setUint32(4 * i, view.getUint32(4 * i, true), false);
  return copy;
}

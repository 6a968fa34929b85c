/**
 * @file The state root: one hash that names a model version bit for bit. Merkle root (`merkleRoot`, RFC 6962 prefixes)
 * over the tensors in layout order; a leaf is name, shape, value type and the SHA-256 of the canonical bytes, so a
 * tensor can be proven and re-hashed on its own. Byte table: docs/spec/wire.md.
 */
import { concatBytes, utf8 } from '../bytes.js';
import { type Hasher, type HashHex, newSha256, sha256 } from '../hash.js';
import { merkleRoot } from '../merkle.js';
import type { TensorLayout, TensorSpec } from '../tensorLayout.js';
import { ByteWriter } from './ByteWriter.js';
import { WireError } from './errors.js';
import { littleEndianBytes } from './halfBytes.js';

const DTYPE_FLOAT16 = 2;

/** SHA-256 of bytes; servers may pass a native one, which gives the same digests faster. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * The root of a vector of halves. // SPEC AGG-4
 * Throws `WIRE_SIZE`. Cost: hashing 2 bytes an element.
 */
export function stateRoot(halves: Uint16Array, layout: TensorLayout, hash: Sha256 = sha256): HashHex {
  return new StateRootCache(layout, hash).rootOf(halves);
}

/** Keeps the leaf of each tensor, so that only changed tensors are hashed again. */
export class StateRootCache {
  private readonly leaves: Uint8Array[] = [];
  private readonly layout: TensorLayout;
  private readonly hash: Sha256;

  constructor(layout: TensorLayout, hash: Sha256 = sha256) {
    this.layout = layout;
    this.hash = hash;
  }

  /**
   * The root of `halves`, hashing only the tensors in `changed` (default: all); the others must be as they were when
   * last hashed. Throws `WIRE_SIZE`.
   */
  rootOf(halves: Uint16Array, changed?: Iterable<number>): HashHex {
    if (halves.length !== this.layout.size) throw wrongSize(this.layout.size, halves.length);
    const dirty = new Set(changed ?? this.layout.tensors.keys());
    this.layout.tensors.forEach((spec, tensor) => {
      if (dirty.has(tensor) || !this.leaves[tensor]) this.leaves[tensor] = this.leafOf(halves, spec);
    });
    return merkleRoot(this.leaves);
  }

  private leafOf(halves: Uint16Array, spec: TensorSpec): Uint8Array {
    const digest = this.hash(littleEndianBytes(halves.subarray(spec.offset, spec.offset + spec.size)));
    return concatBytes(leafHead(spec), digest);
  }
}

/** The root of a version whose halves come part by part: a leaf is hashed while its tensor comes. // SPEC AGG-4 */
export class StateRootBuilder {
  readonly #layout: TensorLayout;
  readonly #newHash: () => Hasher;
  readonly #leaves: Uint8Array[] = [];
  #hash: Hasher;
  #at = 0;

  /** `newHash` makes a SHA-256; servers may pass a native one. */
  constructor(layout: TensorLayout, newHash: () => Hasher = newSha256) {
    this.#layout = layout;
    this.#newHash = newHash;
    this.#hash = newHash();
    this.#closeTensors();
  }

  /** The next halves in layout order. Throws `WIRE_SIZE` when there are more than the layout has. */
  add(halves: Uint16Array): void {
    const { size, tensors } = this.#layout;
    if (this.#at + halves.length > size) throw wrongSize(size, this.#at + halves.length);
    for (let at = 0; at < halves.length; ) {
      const spec = tensors[this.#leaves.length]!;
      const end = Math.min(halves.length, at + spec.offset + spec.size - this.#at);
      this.#hash.update(littleEndianBytes(halves.subarray(at, end)));
      this.#at += end - at;
      at = end;
      this.#closeTensors();
    }
  }

  /** Throws `WIRE_SIZE` when some have not come. */
  finish(): HashHex {
    if (this.#at !== this.#layout.size) throw wrongSize(this.#layout.size, this.#at);
    return merkleRoot(this.#leaves);
  }

  #closeTensors(): void {
    const { tensors } = this.#layout;
    for (let next = tensors[this.#leaves.length]; next; next = tensors[this.#leaves.length]) {
      if (this.#at < next.offset + next.size) return;
      this.#leaves.push(concatBytes(leafHead(next), this.#hash.digest()));
      this.#hash = this.#newHash();
    }
  }
}

function wrongSize(expected: number, got: number): WireError {
  return new WireError(
    { code: 'WIRE_SIZE', expected, got },
    `a vector of ${got} halves where the layout has ${expected}`,
  );
}

/** Name (length first), rank, dimensions, value type: no two tensors share a head unless they agree in all of it. */
function leafHead({ name, shape }: TensorSpec): Uint8Array {
  const label = utf8.encode(name);
  const writer = new ByteWriter(2 + label.length + 1 + 4 * shape.length + 1);
  writer.u16('name length', label.length).raw(label).u8('rank', shape.length);
  for (const dim of shape) writer.u32('dimension', dim);
  return writer.u8('dtype', DTYPE_FLOAT16).bytes;
}

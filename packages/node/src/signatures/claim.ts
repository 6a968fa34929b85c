/**
 * @file A signature that someone says is good, and how many of them travel between threads: one after the other as
 * `message length (4, little-endian) | signature (64) | public key (32) | message`, in one buffer that changes owner
 * instead of being copied.
 */
export interface SignatureClaim {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}

const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
const HEAD_BYTES = 4 + SIGNATURE_BYTES + KEY_BYTES;

/** Claims with sizes that can be right at all; others are false without looking. */
export const isWellFormed = ({ signature, publicKey }: SignatureClaim): boolean =>
  signature.length === SIGNATURE_BYTES && publicKey.length === KEY_BYTES;

export function packClaims(claims: readonly SignatureClaim[]): Uint8Array<ArrayBuffer> {
  const size = claims.reduce((sum, { message }) => sum + HEAD_BYTES + message.length, 0);
  const packed = new Uint8Array(size);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const { message, signature, publicKey } of claims) {
    view.setUint32(at, message.length, true);
    packed.set(signature, at + 4);
    packed.set(publicKey, at + 4 + SIGNATURE_BYTES);
    packed.set(message, at + HEAD_BYTES);
    at += HEAD_BYTES + message.length;
  }
  return packed;
}

export function* unpackClaims(packed: Uint8Array): IterableIterator<SignatureClaim> {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let at = 0; at < packed.length; ) {
    const length = view.getUint32(at, true);
    const keyAt = at + 4 + SIGNATURE_BYTES;
    const end = at + HEAD_BYTES + length;
    yield {
      signature: packed.slice(at + 4, keyAt),
      publicKey: packed.slice(keyAt, at + HEAD_BYTES),
      message: packed.slice(at + HEAD_BYTES, end),
    };
    at = end;
  }
}

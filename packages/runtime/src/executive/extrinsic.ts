/**
 * @file Extrinsic format 4: `compact length ++ format byte ++ [address, signature, extra] ++ call`. Only the two forms
 * this chain has: signed, and the bare inherent. Decoding is strict; every failure is `SCALE_INVALID`.
 */
import { concatBytes } from '@alice/protocol';
import { ByteReader, invalid } from '../scale/ByteReader.js';
import { bytes } from '../scale/collections.js';
import { encode, type ValueOf } from '../scale/ScaleType.js';
import { multiAddress, multiSignature } from '../scale/substrateTypes.js';
import { blake2b256 } from '../storage/hashing.js';
import { type RuntimeCall, runtimeCall } from '../wiring.js';
import { type Additional, additionalType, type Extra, extraType } from './signedExtensions.js';

export const EXTRINSIC_VERSION = 4;
const BARE = EXTRINSIC_VERSION;
const SIGNED = 0x80 | EXTRINSIC_VERSION;
/** A longer payload is hashed before it is signed. */
const MAX_PLAIN_PAYLOAD_BYTES = 256;

export interface SignedExtrinsic {
  readonly kind: 'signed';
  readonly address: ValueOf<typeof multiAddress>;
  readonly signature: ValueOf<typeof multiSignature>;
  readonly extra: Extra;
  readonly call: RuntimeCall;
  /** Extra and call as they came, because the signature covers these bytes. */
  readonly extraBytes: Uint8Array;
  readonly callBytes: Uint8Array;
}

export type Extrinsic = SignedExtrinsic | { readonly kind: 'bare'; readonly call: RuntimeCall };

/** Throws `SCALE_INVALID`. */
export function decodeExtrinsic(extrinsic: Uint8Array): Extrinsic {
  const from = new ByteReader(extrinsic);
  if (Number(from.compact(0xffff_ffffn)) !== from.remaining)
    throw invalid('an extrinsic is not as long as it says');
  const format = from.u8();
  if (format === BARE) return { kind: 'bare', call: readCall(from) };
  if (format !== SIGNED) throw invalid('an extrinsic has an unknown format');
  const address = multiAddress.read(from);
  const signature = multiSignature.read(from);
  const extraAt = from.position;
  const extra = extraType.read(from);
  const callAt = from.position;
  const call = readCall(from);
  const extraBytes = extrinsic.slice(extraAt, callAt);
  return { kind: 'signed', address, signature, extra, call, extraBytes, callBytes: extrinsic.slice(callAt) };
}

/** A bare extrinsic around a call: the block's own inherents. */
export function bareExtrinsic(call: RuntimeCall): Uint8Array {
  return encode(bytes, concatBytes(Uint8Array.of(BARE), encode(runtimeCall, call)));
}

/** Whether an extrinsic of a built block is one of the block's own inherents: it has no signature. */
export function isInherent(extrinsic: Uint8Array): boolean {
  const from = new ByteReader(extrinsic);
  from.compact(0xffff_ffffn);
  return from.u8() === BARE;
}

/** What is signed: call, extra and everything additional, hashed if long. */
export function signingPayload(
  callBytes: Uint8Array,
  extraBytes: Uint8Array,
  additional: Additional,
): Uint8Array {
  const payload = concatBytes(callBytes, extraBytes, encode(additionalType, additional));
  return payload.length > MAX_PLAIN_PAYLOAD_BYTES ? blake2b256(payload) : payload;
}

/** Puts a signed extrinsic together from its parts. */
export function signedExtrinsic(
  { address, signature }: Pick<SignedExtrinsic, 'address' | 'signature'>,
  extraBytes: Uint8Array,
  callBytes: Uint8Array,
): Uint8Array {
  const head = concatBytes(
    Uint8Array.of(SIGNED),
    encode(multiAddress, address),
    encode(multiSignature, signature),
  );
  return encode(bytes, concatBytes(head, extraBytes, callBytes));
}

function readCall(from: ByteReader): RuntimeCall {
  const call = runtimeCall.read(from);
  from.end();
  return call;
}

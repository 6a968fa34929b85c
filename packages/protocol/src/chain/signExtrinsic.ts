/**
 * @file Signed extrinsics, format 4, immortal, without a metadata hash. The signed extensions and their order are this
 * chain's: CheckNonZeroSender, CheckSpecVersion, CheckTxVersion, CheckGenesis, CheckMortality, CheckNonce, CheckWeight,
 * ChargeTransactionPayment, CheckMetadataHash. Source: Substrate's `UncheckedExtrinsic` and `SignedPayload`.
 */
import { concatBytes } from '../bytes.js';
import { blake2b256, type HashHex } from '../hash.js';
import type { KeyPair } from '../keys.js';
import type { Balance } from '../units.js';
import { multiAddress } from './encodeCall.js';
import { compact, hash256, lengthPrefixed, u32 } from './scaleWrite.js';

const SIGNED_V4 = Uint8Array.of(0x84);
const SIGNATURE_SR25519 = Uint8Array.of(1);
const ERA_IMMORTAL = Uint8Array.of(0);
const METADATA_HASH_DISABLED = Uint8Array.of(0);
const NONE = Uint8Array.of(0);
/** Longer payloads are signed by their hash. */
const MAX_SIGNED_BYTES = 256;

/** What a signature binds a call to, besides the signer. */
export interface SigningContext {
  readonly nonce: number;
  readonly genesisHash: HashHex;
  readonly specVersion: number;
  readonly transactionVersion: number;
  /** Paid on top of the fee, planck. Default: 0. */
  readonly tip?: Balance;
}

/** The bytes under the signature: call, extra, then what both sides must know. Not yet hashed. */
export function signingPayload(call: Uint8Array, context: SigningContext): Uint8Array {
  const genesis = hash256(context.genesisHash);
  return concatBytes(
    call,
    extraOf(context),
    u32(context.specVersion),
    u32(context.transactionVersion),
    genesis,
    genesis, // CheckMortality: an immortal era begins at genesis
    NONE, // CheckMetadataHash: no hash given
  );
}

/** A signed extrinsic ready to submit, its length in front. Signatures are randomised: the bytes differ each time. */
export function signExtrinsicV4({
  call,
  keyPair,
  ...context
}: SigningContext & { readonly call: Uint8Array; readonly keyPair: KeyPair }): Uint8Array {
  const payload = signingPayload(call, context);
  const signature = keyPair.sign(payload.length > MAX_SIGNED_BYTES ? blake2b256(payload) : payload);
  const body = concatBytes(
    SIGNED_V4,
    multiAddress(keyPair.address),
    SIGNATURE_SR25519,
    signature,
    extraOf(context),
    call,
  );
  return lengthPrefixed(body);
}

/** The part of the extensions that travels in the extrinsic: era, nonce, tip, metadata hash mode. */
function extraOf({ nonce, tip = 0n }: SigningContext): Uint8Array {
  return concatBytes(ERA_IMMORTAL, compact(nonce), compact(tip), METADATA_HASH_DISABLED);
}

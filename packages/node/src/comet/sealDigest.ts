/**
 * @file The digest item that ties a derived header to CometBFT's block: a SCALE `Seal` of engine "CMBT" that holds the
 * hash of CometBFT's own header of the same height. It is added outside the runtime, as a seal is.
 */
import { concatBytes, type HexString, toHex, utf8 } from '@alice/protocol';
import { compact } from '../scale.js';

/** Index of `Seal` in Substrate's `DigestItem`. */
const SEAL = 5;
const ENGINE_ID = utf8.encode('CMBT');

export function sealDigest(cometHash: Uint8Array): HexString {
  return toHex(
    concatBytes(Uint8Array.of(SEAL), ENGINE_ID, compact(cometHash.length), new Uint8Array(cometHash)),
  );
}

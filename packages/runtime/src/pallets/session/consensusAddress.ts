/** @file How CometBFT names an ed25519 key: the first 20 bytes of its SHA-256 (CometBFT, "crypto: Address"). */
import { sha256 } from '@alice/protocol';

/** 32-byte key → 20-byte consensus address. */
export function consensusAddress(key: Uint8Array): Uint8Array {
  return sha256(key).slice(0, 20);
}

/**
 * @file The digest of this runtime's metadata (RFC-78) that a hardware wallet signs with a transaction, so that it can
 * trust the metadata it shows the transaction by. A constant, because checking a signature must not depend on an
 * encoder; a test compares it with the digest of the real metadata, and fails with the new value after a change.
 */
import { fromHex, type HexString } from '@alice/protocol';

export const METADATA_DIGEST: HexString =
  '0x841bf20db8f0634516910233dda56578075de0df88534069b405e0b40656be12';

const bytes = fromHex(METADATA_DIGEST);

/** What `CheckMetadataHash` covers in mode "enabled". */
export const metadataDigestBytes = (): Uint8Array => bytes;

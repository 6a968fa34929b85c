/**
 * @file The digest of this runtime's metadata (RFC-78) that a hardware wallet signs with a transaction, so that it can
 * trust the metadata it shows the transaction by. A constant, because checking a signature must not depend on an
 * encoder; a test compares it with the digest of the real metadata, and fails with the new value after a change.
 */
import { fromHex, type HexString } from '@alice/protocol';

export const METADATA_DIGEST: HexString =
  '0x0eba8d9bfb133b6f0796dd6e884efbc287bf52fc45cae803882cb709cccf8fc9';

const bytes = fromHex(METADATA_DIGEST);

/** What `CheckMetadataHash` covers in mode "enabled". */
export const metadataDigestBytes = (): Uint8Array => bytes;

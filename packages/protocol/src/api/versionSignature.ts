/** @file The bytes a parameter server signs for a published version: canonical JSON of the manifest without its signature. */
import { fromHex, utf8 } from '../bytes.js';
import { canonicalJson } from '../hash.js';
import { publicKeyOf, verifySignature } from '../keys.js';
import type { VersionManifest } from './schemas.js';

/** Loss figures and pruned fields may change later, so only what identifies the version is signed. */
export function versionMessage(manifest: Omit<VersionManifest, 'signature'>, networkId: string): Uint8Array {
  const { version, stateRoot, parentStateRoot, createdAtMs } = manifest;
  return utf8.encode(
    `alice/version/v1\n${networkId}\n${canonicalJson({ version, stateRoot, parentStateRoot, createdAtMs })}`,
  );
}

export function verifyVersion(manifest: VersionManifest, networkId: string, serverId: string): boolean {
  return verifySignature(
    versionMessage(manifest, networkId),
    fromHex(manifest.signature),
    publicKeyOf(serverId),
  );
}

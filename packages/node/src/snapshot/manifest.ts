/**
 * @file What a snapshot says about itself: the block whose state it holds, and size and SHA-256 of every chunk. Chunk 0
 * holds the block's extrinsics, the others the state in key order. Equal states give equal manifests on every node, so
 * chunks of several nodes can be mixed. A manifest is a claim: `restoreSnapshot` checks it against the state itself.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type HexString, toHex, utf8 } from '@alice/protocol';
import type { Header } from '../block.js';
import { NodeError } from '../errors.js';

/** Bumped when chunks are written otherwise. */
export const SNAPSHOT_FORMAT = 1;
/** A chunk of state ends with the entry that takes it past this many bytes; CometBFT carries chunks up to 16 MB. */
export const CHUNK_BYTES = 2 ** 20;
const MOST_CHUNK_BYTES = 16_000_000;
/** CometBFT offers snapshots in messages of 4 MB at most, ten of them at once. */
const MOST_MANIFEST_BYTES = 3_500_000;

export interface SnapshotChunk {
  readonly bytes: number;
  readonly sha256: HexString;
}

export interface SnapshotManifest {
  readonly format: number;
  readonly genesisHash: HexString;
  readonly header: Header;
  /** Entries of the state. */
  readonly entries: number;
  readonly chunks: readonly SnapshotChunk[];
}

/** The one way to write a manifest. */
export function encodeManifest(manifest: SnapshotManifest): Uint8Array {
  return utf8.encode(canonicalJson(manifest));
}

/** What CometBFT calls the snapshot: SHA-256 of its manifest. */
export const manifestHash = (encoded: Uint8Array): Uint8Array => sha256Of(encoded);

/** SHA-256 by the machine's own code: snapshots are long. */
export const sha256Of = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

/** Reads a manifest from anywhere. Throws `SNAPSHOT_INVALID`. */
export function decodeManifest(bytes: Uint8Array): SnapshotManifest {
  if (bytes.length > MOST_MANIFEST_BYTES) throw invalidSnapshot('its manifest is too long');
  let manifest: SnapshotManifest;
  try {
    manifest = checked(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    if (cause instanceof NodeError) throw cause;
    throw invalidSnapshot('its manifest cannot be read', cause);
  }
  if (Buffer.compare(encodeManifest(manifest), bytes) !== 0)
    throw invalidSnapshot('its manifest is not written the one way');
  return manifest;
}

export function isChunk(bytes: Uint8Array, chunk: SnapshotChunk): boolean {
  return bytes.length === chunk.bytes && toHex(sha256Of(bytes)) === chunk.sha256;
}

export function invalidSnapshot(reason: string, cause?: unknown): NodeError {
  return new NodeError(
    { code: 'SNAPSHOT_INVALID', reason },
    `the snapshot cannot be used: ${reason}. Nothing was changed; take another copy of it, or another snapshot`,
    cause === undefined ? {} : { cause },
  );
}

const HASH = /^0x[0-9a-f]{64}$/;
const BYTES = /^0x(?:[0-9a-f]{2})*$/;

function checked(value: unknown): SnapshotManifest {
  const { format, genesisHash, header, entries, chunks } = recordOf(value);
  if (format !== SNAPSHOT_FORMAT)
    throw invalidSnapshot(`it has format ${String(format)}, not ${SNAPSHOT_FORMAT}`);
  if (!Array.isArray(chunks) || chunks.length < 1) throw invalidSnapshot('it has no chunks');
  return {
    format,
    genesisHash: hashOf(genesisHash),
    header: headerOf(recordOf(header)),
    entries: countOf(entries, Number.MAX_SAFE_INTEGER),
    chunks: chunks.map((item: unknown) => {
      const chunk = recordOf(item);
      return { bytes: countOf(chunk['bytes'], MOST_CHUNK_BYTES), sha256: hashOf(chunk['sha256']) };
    }),
  };
}

function headerOf(value: Record<string, unknown>): Header {
  const { parentHash, number, stateRoot, extrinsicsRoot, digest } = value;
  if (!Array.isArray(digest)) throw invalidSnapshot('its header has no digest');
  return {
    parentHash: hashOf(parentHash),
    number: countOf(number, 0xffff_ffff),
    stateRoot: hashOf(stateRoot),
    extrinsicsRoot: hashOf(extrinsicsRoot),
    digest: digest.map((item: unknown) => {
      if (typeof item !== 'string' || !BYTES.test(item)) throw invalidSnapshot('its digest is not hex');
      return item as HexString;
    }),
  };
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw invalidSnapshot('its manifest lacks an object');
  return value as Record<string, unknown>;
}

function hashOf(value: unknown): HexString {
  if (typeof value !== 'string' || !HASH.test(value)) throw invalidSnapshot('its manifest lacks a hash');
  return value as HexString;
}

function countOf(value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw invalidSnapshot('its manifest lacks a number');
}

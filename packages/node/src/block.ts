/**
 * @file What a block is to every engine: a Substrate header whose Blake2-256 hash names the block, and its
 * extrinsics with their results. The header hash is recomputed by clients, so its layout can never change.
 */
import { concatBytes, fromHex, type HexString, toHex } from '@alice/protocol';
import type { ExtrinsicResult } from '@alice/runtime';
import { compact } from './scale.js';
import { blake2 } from './trie/blake2.js';

export interface Header {
  readonly parentHash: HexString;
  readonly number: number;
  /** Root of the state trie after this block. */
  readonly stateRoot: HexString;
  readonly extrinsicsRoot: HexString;
  /** SCALE-encoded digest items, in order; the solo engine has none. */
  readonly digest: readonly HexString[];
}

export interface Block {
  readonly hash: HexString;
  readonly header: Header;
  readonly timestampMs: bigint;
  readonly extrinsics: readonly Uint8Array[];
  /** One per extrinsic. */
  readonly results: readonly ExtrinsicResult[];
}

/** The parent of block 0. */
export const NO_PARENT: HexString = `0x${'00'.repeat(32)}`;

/** SCALE: parent hash, compact number, state root, extrinsics root, digest items. */
export function encodeHeader(header: Header): Uint8Array {
  return concatBytes(
    fromHex(header.parentHash),
    compact(header.number),
    fromHex(header.stateRoot),
    fromHex(header.extrinsicsRoot),
    compact(header.digest.length),
    ...header.digest.map(fromHex),
  );
}

/** The block hash: Blake2-256 of the encoded header. */
export function hashHeader(header: Header): HexString {
  return toHex(blake2(encodeHeader(header)));
}

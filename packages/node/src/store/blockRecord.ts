/**
 * @file How a block lies on disk: a MessagePack array (LMDB's own codec), so fields are positional and the order
 * below is the format. Byte strings come back as views of a shared buffer and are copied, because SCALE decoders
 * ignore a view's offset.
 */
import { type HexString, toHex } from '@alice/protocol';
import type { Block } from '../block.js';
import { bytesOfHex } from './bytesOfHex.js';

export type BlockRecord = readonly [
  hash: Uint8Array,
  parentHash: Uint8Array,
  number: number,
  stateRoot: Uint8Array,
  extrinsicsRoot: Uint8Array,
  digest: readonly Uint8Array[],
  timestampMs: number,
  extrinsics: readonly Uint8Array[],
  results: readonly (readonly [hash: Uint8Array, error: string | null])[],
];

export function toRecord(block: Block): BlockRecord {
  const { header } = block;
  return [
    bytesOfHex(block.hash),
    bytesOfHex(header.parentHash),
    header.number,
    bytesOfHex(header.stateRoot),
    bytesOfHex(header.extrinsicsRoot),
    header.digest.map(bytesOfHex),
    Number(block.timestampMs),
    block.extrinsics,
    block.results.map(({ hash, error }) => [bytesOfHex(hash), error ?? null]),
  ];
}

export function fromRecord(record: BlockRecord): Block {
  const [hash, parentHash, number, stateRoot, extrinsicsRoot, digest, timestampMs, extrinsics, results] =
    record;
  return {
    hash: hexOf(hash),
    header: {
      parentHash: hexOf(parentHash),
      number,
      stateRoot: hexOf(stateRoot),
      extrinsicsRoot: hexOf(extrinsicsRoot),
      digest: digest.map(hexOf),
    },
    timestampMs: BigInt(timestampMs),
    extrinsics: extrinsics.map((bytes) => new Uint8Array(bytes)),
    results: results.map(([resultHash, error]) => ({ hash: hexOf(resultHash), error: error ?? undefined })),
  };
}

function hexOf(bytes: Uint8Array): HexString {
  return toHex(bytes);
}

/** @file A zstd frame of raw blocks with a content checksum: valid input for decoders, made without a compressor. */
import { Xxh64 } from '../sources/xxh64.js';

export function zstdFrame(content: Uint8Array, blockBytes = 5000): Buffer {
  // Magic, then a descriptor with a checksum and no content size, then a window of 1 MiB.
  const parts: Uint8Array[] = [Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x50)];
  for (let at = 0; at === 0 || at < content.length; at += blockBytes) {
    const block = content.subarray(at, at + blockBytes);
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (at + blockBytes >= content.length ? 1 : 0), 0, 3);
    parts.push(header, block);
  }
  const hash = new Xxh64();
  hash.update(content);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(hash.low32());
  return Buffer.concat([...parts, checksum]);
}

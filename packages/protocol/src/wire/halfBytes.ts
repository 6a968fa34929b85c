/**
 * @file The canonical bytes of halves: two bytes each, low byte first, whatever the host's own order. State roots and
 * snapshots are defined on these bytes.
 */
import { bytesOf } from '../bytes.js';
import { WireError } from './errors.js';

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The canonical (little-endian) bytes of halves: a view where the host agrees, else a swapped copy. */
export function littleEndianBytes(halves: Uint16Array): Uint8Array {
  return HOST_IS_LITTLE_ENDIAN ? bytesOf(halves) : bytesOf(swapped(halves));
}

/** Canonical bytes → halves in memory of their own. Throws `WIRE_SIZE` for an odd length. */
export function halvesOfBytes(bytes: Uint8Array): Uint16Array {
  if (bytes.length % 2 !== 0)
    throw new WireError(
      { code: 'WIRE_SIZE', expected: bytes.length + 1, got: bytes.length },
      `${bytes.length} bytes are not whole 2-byte values`,
    );
  const halves = new Uint16Array(bytes.length / 2);
  bytesOf(halves).set(bytes);
  return HOST_IS_LITTLE_ENDIAN ? halves : swapped(halves);
}

function swapped(halves: Uint16Array): Uint16Array {
  return halves.map((half) => ((half << 8) | (half >>> 8)) & 0xffff);
}

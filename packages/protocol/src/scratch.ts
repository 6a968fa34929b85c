/**
 * @file Bytes put aside while a large result is being made: appended once, read back by range. Here in memory; who makes
 * results larger than memory brings one that lies in a file. Local and synchronous: nothing but the maker ever sees them.
 */
export interface Scratch {
  readonly sizeBytes: number;
  /** Takes a copy. */
  append(bytes: Uint8Array): void;
  /** Fills `into` with the bytes from `from` on; all of them must have been appended. */
  read(from: number, into: Uint8Array): void;
}

const LEAST_BYTES = 4_096;

export function memoryScratch(): Scratch {
  let bytes = new Uint8Array(LEAST_BYTES);
  let sizeBytes = 0;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    append(part) {
      if (sizeBytes + part.length > bytes.length) {
        const grown = new Uint8Array(Math.max(2 * bytes.length, sizeBytes + part.length));
        grown.set(bytes.subarray(0, sizeBytes));
        bytes = grown;
      }
      bytes.set(part, sizeBytes);
      sizeBytes += part.length;
    },
    read(from, into) {
      if (from + into.length > sizeBytes)
        throw new Error(`cannot happen: ${from + into.length} bytes read of ${sizeBytes} put aside`);
      into.set(bytes.subarray(from, from + into.length));
    },
  };
}

/** The bytes from `from` to `to`, in pieces; each is good until the next is asked for. */
export function* scratchPieces(
  scratch: Scratch,
  { from, to, pieceBytes = 2 ** 20 }: { from: number; to: number; pieceBytes?: number },
): Generator<Uint8Array> {
  const piece = new Uint8Array(Math.min(pieceBytes, to - from));
  for (let at = from; at < to; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, to - at));
    scratch.read(at, part);
    yield part;
  }
}

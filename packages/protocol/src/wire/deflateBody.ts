/**
 * @file A body of known size → one zlib stream. A body that is small beside memory is deflated as a whole; a larger one a
 * window at a time, which takes a few bytes more and no memory. Which way, and so every byte of the result, follows from
 * the body alone.
 */
import { Zlib, zlibSync } from 'fflate';
import type { Scratch } from '../scratch.js';

const LEVEL = 6;
/** 256 MiB. */
export const WHOLE_BODY_BYTES = 2 ** 28;

/** Appends the stream to `out`. `pieces` have `sizeBytes` in all. */
export function deflateBody(
  pieces: Iterable<Uint8Array>,
  sizeBytes: number,
  { out, wholeBytes = WHOLE_BODY_BYTES }: { out: Scratch; wholeBytes?: number },
): void {
  if (sizeBytes > wholeBytes) deflatePieces(pieces, out);
  else out.append(zlibSync(joined(pieces, sizeBytes), { level: LEVEL }));
}

function joined(pieces: Iterable<Uint8Array>, sizeBytes: number): Uint8Array {
  const body = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}

function deflatePieces(pieces: Iterable<Uint8Array>, out: Scratch): void {
  const stream = new Zlib({ level: LEVEL }, (deflated) => out.append(deflated));
  for (const piece of pieces) stream.push(piece);
  stream.push(new Uint8Array(), true);
}

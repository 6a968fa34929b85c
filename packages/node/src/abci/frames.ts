/**
 * @file ABCI's framing: every message is its length as an unsigned varint, then the message. Reads frames out of a byte
 * stream that is cut anywhere, and writes them.
 */
import { concatBytes } from '@alice/protocol';

/** CometBFT sends no longer ones; whoever does is not CometBFT. */
const MOST_FRAME_BYTES = 128 * 2 ** 20;
const MOST_VARINT_BYTES = 5;

export class FrameReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** Takes the next bytes of the stream; gives every frame that is complete. Throws a `RangeError` on nonsense. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Uint8Array[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Uint8Array | undefined {
    const head = this.#first(MOST_VARINT_BYTES);
    const size = readVarint(head);
    if (!size) return undefined;
    const end = size.bytes + size.value;
    if (this.#bytes < end) return undefined;
    const all = this.#first(Number.POSITIVE_INFINITY);
    this.#chunks = [all.subarray(end)];
    this.#bytes -= end;
    return all.slice(size.bytes, end); // a copy: decoders keep views of what they are given
  }

  /** The first `count` bytes or all there are; joins chunks only when the first alone is too short. */
  #first(count: number): Uint8Array {
    const [first] = this.#chunks;
    if (!first) return new Uint8Array();
    if (this.#chunks.length > 1 && first.length < count) this.#chunks = [concatBytes(...this.#chunks)];
    return this.#chunks[0]!;
  }
}

function readVarint(from: Uint8Array): { value: number; bytes: number } | undefined {
  let value = 0;
  for (let i = 0; i < MOST_VARINT_BYTES; i++) {
    const byte = from[i];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte >= 128) continue;
    if (value > MOST_FRAME_BYTES) break;
    return { value, bytes: i + 1 };
  }
  throw new RangeError('an ABCI message has an impossible length');
}

/** A message with its length in front. */
export function framed(message: Uint8Array): Uint8Array {
  const head: number[] = [];
  let rest = message.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  head.push(rest);
  return concatBytes(Uint8Array.from(head), message);
}

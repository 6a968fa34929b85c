/**
 * @file Cuts a stream of bytes into lines and keeps account of where each is. A line longer than the limit is not
 * kept: what comes of it is passed over without being stored, so that no input can exhaust memory.
 */

export interface Line {
  /** Without its "\n" (and without a "\r" before it); null when the line is longer than the limit. */
  readonly bytes: Buffer | null;
  /** First byte, and the byte after the line's end, in the stream. */
  readonly from: number;
  readonly to: number;
  /** 1, 2, 3 … */
  readonly number: number;
}

const LINE_FEED = 0x0a;

export class LineCutter {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #held = 0;
  #from = 0;
  #at = 0;
  #number = 1;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      this.#hold(chunk.subarray(from, end));
      this.#at++;
      lines.push(this.#line());
      from = end + 1;
    }
    // A copy: the caller may use the chunk's memory again.
    if (from < chunk.length) this.#hold(Buffer.from(chunk.subarray(from)));
    return lines;
  }

  /** The last line, if the stream did not end with a line feed. */
  finish(): Line[] {
    return this.#at > this.#from ? [this.#line()] : [];
  }

  #hold(part: Buffer): void {
    this.#at += part.length;
    this.#held += part.length;
    if (this.#held > this.#limitBytes) this.#parts = [];
    else this.#parts.push(part);
  }

  #line(): Line {
    const isTooLong = this.#held > this.#limitBytes;
    const bytes = isTooLong
      ? null
      : withoutReturn(this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts));
    const line = { bytes, from: this.#from, to: this.#at, number: this.#number++ };
    this.#parts = [];
    this.#held = 0;
    this.#from = this.#at;
    return line;
  }
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}

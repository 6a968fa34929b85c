/**
 * @file Bytes that arrive in parts, as one run to read from: what has been read is let go, the rest stays in front of the
 * next part. A reader asks `holds` before it takes more than it has; that is where it may stop and wait. What is whole
 * from the start is a feed of one part. Limit: what is left unread is copied when a part arrives, so keep it short.
 */

export class ByteFeed {
  /** Read from `at` to `bytes.length`; both move with `add`. */
  bytes: Uint8Array = new Uint8Array();
  /** May run past the end by what a format leaves out there. */
  at = 0;
  /** Nothing follows. */
  isComplete = false;
  #before = 0;

  static of(bytes: Uint8Array): ByteFeed {
    const feed = new ByteFeed();
    feed.bytes = bytes;
    feed.isComplete = true;
    return feed;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#before + this.at;
  }

  /** Bytes that have arrived. */
  get arrived(): number {
    return this.#before + this.bytes.length;
  }

  /** Whether so many bytes can be read, or all that will ever come. */
  holds(count: number): boolean {
    return this.isComplete || this.bytes.length - this.at >= count;
  }

  /** Lets go of the part and keeps only what is unread of it. */
  release(): void {
    const past = Math.max(0, this.at - this.bytes.length);
    const rest = new Uint8Array(this.bytes.subarray(this.at));
    this.#before += this.at - past;
    this.bytes = rest;
    this.at = past;
  }

  add(part: Uint8Array): void {
    const left = this.bytes.length - this.at;
    this.#before += this.at;
    if (left === 0) this.bytes = part;
    else {
      const joined = new Uint8Array(left + part.length);
      joined.set(this.bytes.subarray(this.at));
      joined.set(part, left);
      this.bytes = joined;
    }
    this.at = 0;
  }
}

/** @file A download as a stream that sends each slice when the bandwidth lets it, and holds nothing but one part of it. */
import { pipeline, Readable, Transform } from 'node:stream';
import { type Bandwidth, SLICE_BYTES } from './bandwidth.js';

/** As large as a file's stream reads at once. */
const PART_BYTES = 65_536;

/** What `source` sends, when `address` may have it. Either end closes the other. */
export function pacedStream(bandwidth: Bandwidth, address: string, source: Readable | Uint8Array): Readable {
  let withdraw = (): void => undefined;
  const paced = new Transform({
    transform(part: Buffer, _encoding, done) {
      let from = 0;
      const next = (): void => {
        if (from >= part.length) {
          done();
          return;
        }
        const slice = part.subarray(from, from + SLICE_BYTES);
        from += slice.length;
        withdraw = bandwidth.take(address, slice.length, () => {
          this.push(slice);
          next();
        });
      };
      next();
    },
    destroy(error, done) {
      withdraw();
      done(error);
    },
  });
  // Errors of the source are those of the result, whose reader deals with them.
  pipeline(source instanceof Readable ? source : Readable.from(partsOf(source)), paced, () => undefined);
  return paced;
}

/** So that a slow reader of bytes in memory takes no part before it has room for it, and what it took can be told. */
export function* partsOf(bytes: Uint8Array): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += PART_BYTES)
    yield Buffer.from(bytes.subarray(from, from + PART_BYTES));
}

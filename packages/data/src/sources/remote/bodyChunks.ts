/**
 * @file The body of an answer in chunks, given up when the server sends nothing for a minute, or next to nothing: a server
 * that trickles a byte now and then would otherwise hold a build for ever. Only time spent waiting for the server counts.
 */

const STALL_MS = 60_000;
/** Less than so much in `STALL_MS` is no progress. */
export const LEAST_BYTES = 16 * 1024;

/** Throws an `Error` when the connection breaks, stalls or trickles; the connection is closed whenever the caller stops. */
export async function* bodyChunks(response: Response, stallMs = STALL_MS): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let [waited, came] = [0, 0];
  try {
    for (;;) {
      const begun = performance.now();
      const { done, value } = await within(stallMs, reader.read());
      if (done) return;
      waited += performance.now() - begun;
      came += value.length;
      if (waited >= stallMs) {
        if (came < LEAST_BYTES) throw new Error(`only ${came} bytes in ${Math.round(waited / 1000)} s`);
        [waited, came] = [0, 0];
      }
      yield value;
    }
  } finally {
    // The reader of this stream may stop early (a limit reached, a fault): the connection must not stay open.
    await reader.cancel().catch(() => undefined);
  }
}

async function within<T>(ms: number, result: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the connection stalled')), ms);
  });
  return Promise.race([result, stalled]).finally(() => clearTimeout(timer));
}

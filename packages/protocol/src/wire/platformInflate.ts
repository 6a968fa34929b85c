/**
 * @file zlib itself where the platform has it (Node): twice as fast as `inflate.ts`, which remains what says why a stream is
 * refused. It vouches only for a stream of exactly the announced size with its checksum and nothing behind it.
 */

/** What is used of `node:zlib`, which browsers lack; an import would keep the package from them. */
interface Zlib {
  inflateSync(
    stream: Uint8Array,
    options: { chunkSize: number; maxOutputLength: number; info: true },
  ): { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };
}

/** `node:zlib` takes no smaller one. */
const LEAST_CHUNK_BYTES = 64;

/** The `sizeBytes` bytes in `stream`; undefined where there is no zlib, or the stream is not in order. */
export function platformInflate(stream: Uint8Array, sizeBytes: number): Uint8Array | undefined {
  const zlib = zlibOfPlatform();
  if (!zlib) return undefined;
  try {
    const { buffer, engine } = zlib.inflateSync(stream, {
      chunkSize: Math.max(LEAST_CHUNK_BYTES, sizeBytes + 1), // one more: with a full one it would take a second
      maxOutputLength: Math.max(1, sizeBytes),
      info: true,
    });
    // What it is given and does not read stands behind the end of the stream.
    if (buffer.length !== sizeBytes || engine.bytesWritten !== stream.length) return undefined;
    return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, sizeBytes);
  } catch {
    return undefined;
  }
}

function zlibOfPlatform(): Zlib | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.('node:zlib') as Zlib | undefined;
}

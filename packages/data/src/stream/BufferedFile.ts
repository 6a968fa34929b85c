/** @file A new file that is written in small pieces through memory of a fixed size: nothing is allocated for a piece. */
import { type FileHandle, open } from 'node:fs/promises';

const BUFFER_BYTES = 256 * 1024;

export class BufferedFile {
  readonly #handle: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<BufferedFile> {
    return new BufferedFile(await open(path, 'w'));
  }

  /** The bytes may be used again afterwards. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#used + bytes.length > BUFFER_BYTES) await this.#flush();
    if (bytes.length > BUFFER_BYTES) return this.#handle.appendFile(bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Writes what waits, and closes the file. */
  async end(): Promise<void> {
    await this.#flush();
    await this.close();
  }

  /** Closes the file without what waits. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    if (this.#used > 0) await this.#handle.appendFile(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

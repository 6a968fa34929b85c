/**
 * @file A temporary file of the tokens of all documents, written in the order of the source and read in the order of
 * the shards. It keeps memory flat: only a few numbers per document stay, however large the text is.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { bytesToTokens, tokensToBytes } from '../shardBytes.js';

const BUFFER_TOKENS = 1 << 19;

export class TokenSpill {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #buffer = new Uint16Array(BUFFER_TOKENS);
  #buffered = 0;
  #written = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<TokenSpill> {
    return new TokenSpill(path, await open(path, 'w+'));
  }

  /** Tokens so far. */
  get length(): number {
    return this.#written + this.#buffered;
  }

  async append(tokens: Uint16Array): Promise<void> {
    for (let from = 0; from < tokens.length; ) {
      const part = tokens.subarray(from, from + BUFFER_TOKENS - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      from += part.length;
      if (this.#buffered === BUFFER_TOKENS) await this.flush();
    }
  }

  /** To be called between the last `append` and the first `read`. */
  async flush(): Promise<void> {
    const bytes = tokensToBytes(this.#buffer.subarray(0, this.#buffered));
    for (let done = 0; done < bytes.length; )
      done += (await this.#file.write(bytes, done, bytes.length - done, 2 * this.#written + done))
        .bytesWritten;
    this.#written += this.#buffered;
    this.#buffered = 0;
  }

  async read(from: number, count: number): Promise<Uint16Array> {
    const bytes = new Uint8Array(2 * count);
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, 2 * from + done);
      if (bytesRead === 0) throw new Error('cannot happen: the spill file is only read where it was written');
      done += bytesRead;
    }
    return bytesToTokens(bytes);
  }

  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

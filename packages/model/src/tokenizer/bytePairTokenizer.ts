/**
 * @file Byte-pair tokenizer over any prefix of GPT-2's rank table. Special tokens in the text are ordinary text here.
 * Pieces met before are remembered up to a bound: natural text repeats itself, and most pieces are one look-up.
 * Invariant: `decode(encode(text)) === text` for well-formed text, because every byte alone is in the table.
 */
import { mergePiece } from './mergePiece.js';
import { buildPairTable } from './pairTable.js';
import { pieceEnd } from './pieceEnd.js';
import type { Tokenizer } from './tokenizer.js';
import { TokenizerError } from './tokenizerError.js';

/** Remembered pieces; then the memory starts anew. With keys of at most this length: about 10 MB. */
const REMEMBERED_PIECES = 65_536;
const REMEMBERED_LENGTH = 48;
const SEPARATOR_TEXT = '<|endoftext|>';

/**
 * The tokenizer whose ids are the ranks of `table` and, after them, the separator.
 * Cost of `encode`: linear in the text; n·log n in a single piece of n bytes, whatever the text is.
 */
export function bytePairTokenizer(id: string, table: readonly string[]): Tokenizer {
  const separator = table.length;
  const vocab = separator + 1;
  const encodePiece = pieceEncoder(table);
  const buffer = new TokenBuffer();
  const encode = (text: string): Uint16Array => {
    buffer.clear();
    for (let from = 0; from < text.length; ) {
      const end = pieceEnd(text, from);
      buffer.append(encodePiece(text.slice(from, end)));
      from = end;
    }
    return buffer.copy();
  };
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const decode = (tokens: ArrayLike<number>): string => {
    const parts = Array.from(tokens, (token, position) => {
      const bytes = token === separator ? SEPARATOR_TEXT : table[token];
      if (bytes === undefined) throw outOfRange({ tokenizer: id, position, token, vocab });
      return bytes;
    });
    return decoder.decode(bytesOfCharacters(parts.join('')));
  };
  return { id, vocab, separator, encode, decode };
}

function outOfRange(where: {
  tokenizer: string;
  position: number;
  token: number;
  vocab: number;
}): TokenizerError {
  return new TokenizerError(
    { code: 'TOKEN_OUT_OF_RANGE', ...where },
    `token ${where.token} at position ${where.position} is not an id of ${where.tokenizer} (0 to ${where.vocab - 1}): ` +
      'the tokens were made with another tokenizer',
  );
}

/** One id for a piece that is in the table, all ids otherwise. */
type Encoded = number | Uint16Array;

function pieceEncoder(table: readonly string[]): (piece: string) => Encoded {
  const pairs = buildPairTable(table);
  const byteIds = new Uint16Array(256);
  for (let id = 0; id < 256; id++) byteIds[table[id]!.charCodeAt(0)] = id;
  const whole = wholePieces(table);
  let remembered = new Map<string, Encoded>(whole);
  const utf8 = new TextEncoder();

  const merge = (piece: string): Uint16Array => {
    const ids = Uint16Array.from(utf8.encode(piece), (byte) => byteIds[byte]!);
    return ids.slice(0, mergePiece(ids, pairs));
  };
  return (piece) => {
    const known = remembered.get(piece);
    if (known !== undefined) return known;
    const ids = merge(piece);
    if (piece.length > REMEMBERED_LENGTH) return ids;
    if (remembered.size >= whole.size + REMEMBERED_PIECES) remembered = new Map<string, Encoded>(whole);
    remembered.set(ownCopy(piece), ids);
    return ids;
  };
}

/** Engines cut long pieces as views of their text: remembering one would keep the whole document in memory. */
function ownCopy(piece: string): string {
  return JSON.parse(JSON.stringify(piece)) as string;
}

/** Texts that are one byte string of the table: they are that id without any merging, as in tiktoken. */
function wholePieces(table: readonly string[]): Map<string, number> {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const whole = new Map<string, number>();
  for (const [id, bytes] of table.entries()) {
    try {
      whole.set(strict.decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))), id);
    } catch {
      // Part of a character: no text equals it, it is only ever reached by merging.
    }
  }
  return whole;
}

/** One byte a character: the strings of the table take a third of the memory that arrays would. */
function bytesOfCharacters(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A token array that grows and is used again by the next text. */
class TokenBuffer {
  #ids = new Uint16Array(1 << 14);
  #length = 0;

  clear(): void {
    this.#length = 0;
    // One huge text must not keep its memory for ever.
    if (this.#ids.length > 1 << 22) this.#ids = new Uint16Array(1 << 14);
  }

  append(ids: Encoded): void {
    const added = typeof ids === 'number' ? 1 : ids.length;
    if (this.#length + added > this.#ids.length) this.#grow(this.#length + added);
    if (typeof ids === 'number') this.#ids[this.#length] = ids;
    else for (let i = 0; i < added; i++) this.#ids[this.#length + i] = ids[i]!;
    this.#length += added;
  }

  copy(): Uint16Array {
    return this.#ids.slice(0, this.#length);
  }

  #grow(needed: number): void {
    const larger = new Uint16Array(Math.max(needed, 2 * this.#ids.length));
    larger.set(this.#ids.subarray(0, this.#length));
    this.#ids = larger;
  }
}

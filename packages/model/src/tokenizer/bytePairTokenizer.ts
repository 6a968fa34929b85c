/**
 * @file Byte-pair tokenizer over any prefix of GPT-2's rank table. Special tokens in the text are ordinary text here.
 * Most pieces of natural text are one token or were met before: one look-up.
 * Invariant: `decode(encode(text)) === text` for well-formed text, because every byte alone is in the table.
 */
import { mergePiece } from './mergePiece.js';
import { buildPairTable } from './pairTable.js';
import { pieceEnd } from './pieceEnd.js';
import { PieceMemory, PieceTable, pieceHash, UNKNOWN } from './pieceTable.js';
import type { Tokenizer } from './tokenizer.js';
import { TokenizerError } from './tokenizerError.js';

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
      encodePiece(text, from, end, buffer);
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

/** Appends the ids of the piece [from, end) of a text. */
type PieceEncoder = (text: string, from: number, end: number, into: TokenBuffer) => void;

function pieceEncoder(table: readonly string[]): PieceEncoder {
  const pairs = buildPairTable(table);
  const byteIds = new Uint16Array(256);
  for (let id = 0; id < 256; id++) byteIds[table[id]!.charCodeAt(0)] = id;
  const whole = new PieceTable(wholePieces(table));
  const remembered = new PieceMemory();
  const utf8 = new TextEncoder();

  const merge = (piece: string): Uint16Array => {
    const ids = Uint16Array.from(utf8.encode(piece), (byte) => byteIds[byte]!);
    return ids.subarray(0, mergePiece(ids, pairs));
  };
  return (text, from, end, into) => {
    if (end - from > whole.longest) return into.append(merge(text.slice(from, end)));
    const hash = pieceHash(text, from, end);
    const id = whole.find(text, from, end, hash);
    if (id !== UNKNOWN) return into.push(id);
    const place = remembered.find(text, from, end, hash);
    if (place !== UNKNOWN) return remembered.give(place, into);
    const ids = merge(text.slice(from, end));
    remembered.add(text, from, end, hash, ids);
    into.append(ids);
  };
}

/** Texts that are one byte string of the table: they are that id without any merging, as in tiktoken. */
function wholePieces(table: readonly string[]): (readonly [piece: string, id: number])[] {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const whole: [string, number][] = [];
  for (const [id, bytes] of table.entries()) {
    try {
      whole.push([strict.decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))), id]);
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

  push(id: number): void {
    if (this.#length === this.#ids.length) this.#grow(this.#length + 1);
    this.#ids[this.#length++] = id;
  }

  append(ids: Uint16Array): void {
    if (this.#length + ids.length > this.#ids.length) this.#grow(this.#length + ids.length);
    for (let i = 0; i < ids.length; i++) this.#ids[this.#length + i] = ids[i]!;
    this.#length += ids.length;
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

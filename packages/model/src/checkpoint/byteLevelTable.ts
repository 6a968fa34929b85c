/**
 * @file A rank table in the notation other programs use: byte strings spelled with one printable character per byte
 * (GPT-2's alphabet, Radford et al. 2019), and for each learned string the two parts it was merged from. Any prefix of
 * the table gives a complete vocabulary with its merges, because a string's parts always have lower ranks.
 */
import { mergePiece } from '../tokenizer/mergePiece.js';
import { vocabOf } from '../tokenizer/openTokenizer.js';
import { buildPairTable, NO_MERGE, type PairTable } from '../tokenizer/pairTable.js';
import { loadRankTable } from '../tokenizer/rankTable.js';

export const SEPARATOR_TEXT = '<|endoftext|>';
const SINGLE_BYTES = 256;

export interface ByteLevelTable {
  /** Spelled byte strings by id; the separator last, as it is written. */
  readonly tokens: readonly string[];
  /** "left right" for ids 256 and up, in order. */
  readonly merges: readonly string[];
  readonly separator: number;
}

/** The table of a tokenizer id. Throws `TOKENIZER_UNKNOWN`, `TOKENIZER_TABLE_MISMATCH`. Cost: about 0.5 s for gpt2. */
export async function byteLevelTable(tokenizerId: string): Promise<ByteLevelTable> {
  const table = await loadRankTable(vocabOf(tokenizerId) - 1);
  const alphabet = byteAlphabet();
  const spelled = table.map((bytes) => Array.from(bytes, (c) => alphabet[c.charCodeAt(0)]!).join(''));
  const parts = mergeParts(table);
  return {
    tokens: [...spelled, SEPARATOR_TEXT],
    merges: parts.map(([left, right]) => `${spelled[left]!} ${spelled[right]!}`),
    separator: table.length,
  };
}

/** GPT-2's alphabet: printable Latin-1 stands for itself, the other bytes follow from U+0100 on. */
export function byteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: SINGLE_BYTES }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** For each rank from 256 on: the two ranks left when its bytes are merged with lower ranks only. */
function mergeParts(table: readonly string[]): [number, number][] {
  const pairs = buildPairTable(table);
  const idOfByte = new Uint16Array(SINGLE_BYTES);
  for (let id = 0; id < SINGLE_BYTES; id++) idOfByte[table[id]!.charCodeAt(0)] = id;
  return table.slice(SINGLE_BYTES).map((bytes, i) => {
    const rank = SINGLE_BYTES + i;
    const below: PairTable = {
      find: (left, right) => {
        const found = pairs.find(left, right);
        return found < rank ? found : NO_MERGE;
      },
    };
    const ids = Uint16Array.from(bytes, (c) => idOfByte[c.charCodeAt(0)]!);
    if (mergePiece(ids, below) !== 2)
      throw new Error(`cannot happen: rank ${rank} is not a merge of two parts`);
    return [ids[0]!, ids[1]!];
  });
}

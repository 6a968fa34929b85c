/**
 * @file GPT-2's cut of text into pieces; merges never cross a piece's border. Does what the published pattern does:
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * but as a scan, so that time is linear and a line of any length cannot exhaust a regular expression's stack.
 * White space is Unicode's White_Space as in tiktoken (U+0085 is, U+FEFF is not, other than JavaScript's \s).
 */
import { CHARACTER_CLASSES, SPACE } from './characterClasses.js';

const SPACE_CODE = 0x20;
const APOSTROPHE = 0x27;

/** Where the piece that starts at `from` ends; `from` must be below `text.length`. Cost: the piece's length. */
export function pieceEnd(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === APOSTROPHE) {
    const end = contractionEnd(text, from);
    if (end > from) return end;
  }
  let start = from;
  // A single blank joins the word, number or signs after it.
  if (first === SPACE_CODE && from + 1 < text.length) start++;
  const kind = CHARACTER_CLASSES[text.codePointAt(start)!]!;
  if (kind !== SPACE) return runEnd(text, start, kind);
  const end = runEnd(text, from, SPACE);
  // The last white space of several is left for the piece that follows.
  return end < text.length && end - from > 1 ? end - 1 : end;
}

function runEnd(text: string, from: number, kind: number): number {
  let at = from;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    const isHighSurrogate = unit >= 0xd800 && unit < 0xdc00;
    const code = isHighSurrogate ? text.codePointAt(at)! : unit;
    if (CHARACTER_CLASSES[code] !== kind) return at;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

/** End of 's 't 'm 'd 're 've 'll at `from`, or `from` if there is none. */
function contractionEnd(text: string, from: number): number {
  const next = text[from + 1];
  if (next === 's' || next === 't' || next === 'm' || next === 'd') return from + 2;
  const isTwo =
    (next === 'r' && text[from + 2] === 'e') ||
    (next === 'v' && text[from + 2] === 'e') ||
    (next === 'l' && text[from + 2] === 'l');
  return isTwo ? from + 3 : from;
}

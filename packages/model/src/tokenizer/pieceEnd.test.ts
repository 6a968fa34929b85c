import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { pieceEnd } from './pieceEnd.js';

const PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

function pieces(text: string): string[] {
  const found: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = pieceEnd(text, from);
    assert.ok(end > from);
    found.push(text.slice(from, end));
    from = end;
  }
  return found;
}

it("cuts where GPT-2's pattern cuts", () => {
  assert.deepEqual(pieces("I'll  go\n\n 12 'em… '"), [
    'I',
    "'ll",
    ' ',
    ' go',
    '\n\n',
    ' 12',
    " '",
    'em',
    '…',
    " '",
  ]);
  const unit = fc.constantFrom(
    ' ',
    '  ',
    '\n',
    '\t',
    '\u0085',
    '\ufeff',
    "'",
    's',
    'll',
    're',
    'v',
    'A',
    'é',
    '漢',
    '1',
    '½',
    '!',
    '—',
    '🙂',
    '𝒜',
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 20 }), (units) => {
      const text = units.join('');
      assert.deepEqual(pieces(text), text.match(PATTERN) ?? []);
    }),
    { numRuns: 5000 },
  );
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { get_encoding, type Tiktoken } from 'tiktoken';
import { openTokenizer, vocabOf } from './openTokenizer.js';
import type { Tokenizer } from './tokenizer.js';

/** Text as people (and adversaries) write it: words, blanks of all kinds, contractions, other scripts, astral signs. */
const fragment = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'grapheme-ascii' }),
  fc.stringMatching(/^[ \t\n\r\v\f\u0085\u00a0\u1680\u2003\u2028\u3000\ufeff]{0,6}$/),
  fc.constantFrom(
    "'s",
    "'t",
    "'re",
    "'VE",
    "don't",
    "''ll",
    " 's",
    '<|endoftext|>',
    'Ishmael',
    ' the',
    '１２三',
    '🧑‍🚀',
    'straße',
  ),
  fc.stringMatching(/^[a-z]{60,200}$/),
);
const text = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(''));

const BLOCK = 256;
/** SHA-256 of the ids (two bytes, little endian) of the samples of every block below. */
const EVERY_CODE_POINT = 'ca75d061a0dd2833f889d6ae466839f5daae793a2d021ad1d13be842817b41a6';

/** Each code point of a block after a letter, a digit and a sign, and before others. */
function samplesOf(first: number): string {
  const codes = Array.from({ length: BLOCK }, (_, i) => first + i).filter((c) => c < 0xd800 || c >= 0xe000);
  return codes
    .map((code) => String.fromCodePoint(code))
    .map((c) => `x${c}1${c}?${c}`)
    .join('');
}

describe('gpt2', () => {
  let tokenizer: Tokenizer;
  let reference: Tiktoken;
  before(async () => {
    tokenizer = await openTokenizer('gpt2');
    reference = get_encoding('r50k_base');
  });

  it('gives the published ids of a known sentence', () => {
    assert.deepEqual([...tokenizer.encode('Hello world')], [15496, 995]);
    assert.deepEqual([tokenizer.vocab, tokenizer.separator], [50_257, 50_256]);
  });

  it('gives the ids of the reference implementation for any text', () => {
    fc.assert(
      fc.property(text, (t) => {
        assert.deepEqual([...tokenizer.encode(t)], [...reference.encode_ordinary(t)]);
      }),
      { numRuns: 3000 },
    );
  });

  it('gives the ids of the reference implementation for every code point of Unicode, and always the same', () => {
    const hash = createHash('sha256');
    for (let first = 0; first < 0x110000; first += BLOCK) {
      // Planes 4 to 13 hold nothing, 15 and 16 are for private use: one block of 64 will do.
      if (first >= 0x40000 && first >> 12 !== 0xe0 && first % (64 * BLOCK) !== 0) continue;
      const sample = samplesOf(first);
      const ids = tokenizer.encode(sample);
      hash.update(Buffer.from(ids.buffer));
      if (ids.join() !== reference.encode_ordinary(sample).join()) assert.fail(`U+${first.toString(16)} ff.`);
    }
    // What a letter is must not follow from the version of Unicode that the engine happens to have.
    assert.equal(hash.digest('hex'), EVERY_CODE_POINT);
  });

  it('gives the ids of the reference implementation for pieces beyond the scanning limit', () => {
    const long = fc.stringMatching(/^[a-e]{90,400}$/);
    fc.assert(
      fc.property(long, (t) => assert.deepEqual([...tokenizer.encode(t)], [...reference.encode_ordinary(t)])),
    );
  });
});

describe('every tokenizer', () => {
  for (const id of ['gpt2', 'gpt2-1024', 'gpt2-4096', 'gpt2-50256'])
    it(`${id} gives back any text and never the separator`, async () => {
      const tokenizer = await openTokenizer(id);
      assert.equal(tokenizer.separator, vocabOf(id) - 1);
      fc.assert(
        fc.property(text, (t) => {
          const tokens = tokenizer.encode(t);
          assert.equal(tokenizer.decode(tokens), Buffer.from(t).toString());
          assert.ok(tokens.every((token) => token < tokenizer.separator));
        }),
        { numRuns: 800 },
      );
    });

  it('spells a special token in the text as ordinary text, and keeps a leading byte order mark', async () => {
    const tokenizer = await openTokenizer('gpt2-4096');
    const marked = '\ufeff<|endoftext|>';
    assert.ok(tokenizer.encode(marked).length > 5);
    assert.equal(tokenizer.decode(tokenizer.encode(marked)), marked);
    assert.equal(tokenizer.decode([tokenizer.separator]), '<|endoftext|>');
  });

  it('uses the first ranks of the same table: a cut never changes an id, only how far merging goes', async () => {
    const [small, full] = await Promise.all([openTokenizer('gpt2-2048'), openTokenizer('gpt2')]);
    for (let id = 0; id < small.separator; id++)
      assert.deepEqual(full.decode([id]), small.decode([id]), `id ${id}`);
    assert.deepEqual([...small.encode(' the')], [...full.encode(' the')]);
    assert.ok(small.encode('Ishmael').length > full.encode('Ishmael').length);
  });

  it('encodes a lone surrogate as U+FFFD', async () => {
    const tokenizer = await openTokenizer('gpt2-1024');
    assert.equal(tokenizer.decode(tokenizer.encode('a\ud800b')), 'a\ufffdb');
  });

  it('takes a line of a million letters without cutting it', async () => {
    // Quadratic merging would take a quarter of an hour or more here.
    const tokenizer = await openTokenizer('gpt2');
    const line = 'ab'.repeat(500_000);
    assert.equal(tokenizer.decode(tokenizer.encode(line)), line);
  });

  it('refuses unknown ids and foreign tokens by code', async () => {
    for (const id of [
      '',
      'gpt3',
      'gpt2-',
      'gpt2-1023',
      'gpt2-50257',
      'gpt2-04096',
      'gpt2-4096 ',
      'gpt2--4096',
      'gpt2-4e3',
    ])
      await assert.rejects(openTokenizer(id), { code: 'TOKENIZER_UNKNOWN' }, id);
    const tokenizer = await openTokenizer('gpt2-1024');
    assert.throws(() => tokenizer.decode([5, 1024]), {
      info: { code: 'TOKEN_OUT_OF_RANGE', tokenizer: 'gpt2-1024', position: 1, token: 1024, vocab: 1024 },
    });
  });
});

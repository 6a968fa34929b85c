/** @file When a text may end: at once if it goes on a text, after words if it answers, after as many tokens as asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTokenizer } from '@alice/model';
import type { Prompt } from './completionRequest.js';
import { writeText } from './writeText.js';

const tokenizer = await openTokenizer('gpt2-1024');
const [NEWLINE, LETTER] = tokenizer.encode('\na') as unknown as [number, number];

/** Would always rather end, else begin a line, and a letter is what it writes after two lines begun. */
function youngDecoder() {
  let length = 0;
  let begun = 0;
  return {
    get length() {
      return length;
    },
    read(tokens: ArrayLike<number>): Promise<Float32Array> {
      length += tokens.length;
      const logits = new Float32Array(tokenizer.vocab);
      logits[tokenizer.separator] = 9;
      logits[NEWLINE] = begun++ < 2 ? 8 : 0;
      logits[LETTER] = 7;
      return Promise.resolve(logits);
    },
    reset: () => {
      length = 0;
    },
    dispose: () => Promise.resolve(),
  };
}

async function write(prompt: Prompt, minTokens: number) {
  const pieces: string[] = [];
  const sampling = { maxTokens: 20, minTokens, temperature: 0, topP: 1, topK: 0, stop: [], seed: 'a' };
  const config = { context: 64, vocab: tokenizer.vocab } as Parameters<typeof writeText>[0]['config'];
  const ports = {
    onStart: () => undefined,
    onPiece: (piece: string) => void pieces.push(piece),
    isStopped: () => false,
  };
  const answer = await writeText(
    { config, tokenizer, decoder: youngDecoder() },
    { id: 1, prompt, sampling },
    ports,
  );
  return { text: pieces.join(''), ...answer };
}
const CHAT: Prompt = { kind: 'chat', messages: [{ role: 'user', content: 'Hello' }] };
const TEXT: Prompt = { kind: 'text', text: 'Hello' };

test('a continued text may end at once', async () => {
  const { text, completionTokens, finish } = await write(TEXT, 0);
  assert.deepEqual({ text, completionTokens, finish }, { text: '', completionTokens: 0, finish: 'stop' });
});

test('an answer does not end before its first word, and white space is none', async () => {
  const { text, finish } = await write(CHAT, 0);
  assert.deepEqual({ text, finish }, { text: '\n\na', finish: 'stop' });
});

test('no text ends before the least number of tokens', async () => {
  assert.equal((await write(TEXT, 3)).completionTokens, 3);
  assert.equal((await write(CHAT, 7)).text, '\n\naaaaa');
});

/** @file A conversation on a terminal: what Ctrl-C ends, and what the model is given to read. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { converse } from './converse.js';
import type { WriteOptions, Writer } from './openWriter.js';

const CTRL_C = '\x03';

/** Every letter is a token; each answer is what `answer` makes of the text read and the way it is to be ended. */
function writerOf(answer: (read: string, options: WriteOptions) => Promise<string>): Omit<Writer, 'close'> {
  const tokenizer = { encode: (text: string) => Array.from(text, (letter) => letter.charCodeAt(0)) };
  return {
    tokenizer: tokenizer as unknown as Writer['tokenizer'],
    async continue(prompt, options) {
      const text = await answer(String.fromCharCode(...Array.from(prompt)), options);
      options.show(text);
      return { text, tokens: text.length, tokensPerSecond: 1 };
    },
  };
}

function talk(
  writer: Omit<Writer, 'close'>,
  { terminal = true, signal = new AbortController().signal } = {},
) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const sampling = { maxTokens: 9, temperature: 0, topK: 0 };
  const ended = converse(writer, { sampling, seed: 'seed', signal, input, output, terminal });
  return { input, output, ended };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

test('Ctrl-C ends the line being written, and before a line the conversation', async () => {
  const read: string[] = [];
  const { input, ended } = talk(
    writerOf(async (text, { signal }) => {
      read.push(text);
      setImmediate(() => input.write(CTRL_C)); // the second time the answer is there by then
      if (read.length > 1) return ' whole';
      await untilAborted(signal!);
      setImmediate(() => input.write('more\n'));
      return ' cut';
    }),
  );
  input.write('hello\n');
  await ended;
  assert.deepEqual(read, ['hello\n', 'hello\n cut\nmore\n']);
});

test('the signal ends it in the midst of a line', async () => {
  const stop = new AbortController();
  const { input, ended } = talk(
    writerOf(async (_, { signal }) => {
      setImmediate(() => stop.abort());
      await untilAborted(signal!);
      return '';
    }),
    { signal: stop.signal },
  );
  input.write('hello\n');
  await ended;
});

test('lines of a pipe are answered one after another; /reset forgets, /quit ends', async () => {
  const read: string[] = [];
  const { input, output, ended } = talk(
    writerOf(async (text) => {
      read.push(text);
      return ` ${read.length}\n`;
    }),
    { terminal: false },
  );
  input.end('a\nb\n/reset\nc\n/quit\nd\n');
  await ended;
  assert.deepEqual(read, ['a\n', 'a\n 1\nb\n', 'c\n']);
  assert.match(String(output.read()), / 1\n.* 2\n.* 3\n/s);
});

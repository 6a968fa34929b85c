/**
 * @file A conversation on the terminal: the model writes on after each line of one growing text. Ctrl-C ends what is being
 * written, and, while nothing is, the conversation.
 */
import { createInterface } from 'node:readline/promises';
import { withSignals } from '@alice/protocol';
import pc from 'picocolors';
import type { WriteOptions, Writer } from './openWriter.js';

export interface ConverseOptions {
  readonly sampling: Omit<WriteOptions, 'seed' | 'signal' | 'oneLine' | 'show'>;
  /** Of the first line; each further line draws anew from it. */
  readonly seed: string;
  /** Ends the conversation, also in the midst of a line. */
  readonly signal: AbortSignal;
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Whether a person types, on keys of which one is Ctrl-C. */
  readonly terminal: boolean;
}

/** Until the input ends, `/quit`, Ctrl-C before a line, or the signal. */
export async function converse(writer: Omit<Writer, 'close'>, options: ConverseOptions): Promise<void> {
  const { sampling, seed, signal, input, output, terminal } = options;
  const lines = createInterface({ input, output, terminal });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  let writing: AbortController | undefined;
  lines.on('SIGINT', () => (writing ? writing.abort() : lines.close()));
  const answer = async (transcript: string, turn: number): Promise<string> => {
    const own = new AbortController();
    writing = own;
    const { text } = await withSignals([signal, own.signal], (either) =>
      writer.continue(writer.tokenizer.encode(transcript), {
        ...{ ...sampling, seed: `${seed}/${turn}`, signal: either, oneLine: true },
        show: (piece) => output.write(piece),
      }),
    );
    writing = undefined;
    if (!text.endsWith('\n')) output.write('\n');
    return text.endsWith('\n') ? text : `${text}\n`;
  };
  let transcript = '';
  let turn = 0;
  lines.setPrompt(pc.bold('> '));
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === '/quit') break;
    if (line.trim() === '/reset') transcript = '';
    else {
      transcript += `${line}\n`;
      transcript += await answer(transcript, turn++);
    }
    if (!signal.aborted) lines.prompt();
  }
}

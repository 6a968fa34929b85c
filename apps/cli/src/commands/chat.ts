/** @file `alice chat`: a conversation by continuing one growing text. The models are base models: they write on, they do not answer. */
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLifecycle } from '../process/lifecycle.js';
import { whileWaiting } from '../terminal/whileWaiting.js';
import { type DeviceFlags, openPlatform, withDeviceOption } from '../training/deviceOption.js';
import { type ModelFlags, withModelOptions } from '../training/modelOptions.js';
import type { Writer } from '../training/openWriter.js';
import { type SamplingFlags, seedOf, withSamplingOptions } from '../training/samplingOptions.js';

type Flags = ModelFlags & SamplingFlags & DeviceFlags;

export function chatCommand(): Command {
  const command = new Command('chat').description('write a text together with a trained model, line by line');
  return withSamplingOptions(withModelOptions(withDeviceOption(command)), { maxTokens: 80 }).action(
    async (flags: Flags) => {
      const { signal } = createLifecycle();
      const [{ openModel }, { openWriter }] = await Promise.all([
        import('../training/modelSource.js'),
        import('../training/openWriter.js'),
      ]);
      const model = await openModel(flags, signal);
      const platform = await openPlatform(flags);
      const writer = await whileWaiting('preparing the model', {}, () =>
        openWriter(model, { threads: flags.threads, platform }),
      );
      try {
        process.stdout.write(
          pc.dim(
            `This is a base model (${model.config.name}): it continues the text you write, it was not taught to answer.\n/reset begins a new text, /quit ends.\n`,
          ),
        );
        await converse(writer, flags, signal);
      } finally {
        await writer.close();
        await model.close();
      }
    },
  );
}

async function converse(writer: Writer, flags: Flags, signal: AbortSignal): Promise<void> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    terminal: process.stdin.isTTY,
  });
  signal.addEventListener('abort', () => lines.close(), { once: true });
  lines.on('SIGINT', () => lines.close());
  const seed = seedOf(flags);
  let transcript = '';
  let turn = 0;
  lines.setPrompt(pc.bold('> '));
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === '/quit') break;
    if (line.trim() === '/reset') transcript = '';
    else {
      transcript += `${line}\n`;
      const { text } = await writer.continue(writer.tokenizer.encode(transcript), {
        ...{ ...flags, seed: `${seed}/${turn++}`, signal, oneLine: true },
        show: (piece) => process.stdout.write(piece),
      });
      transcript += text.endsWith('\n') ? text : `${text}\n`;
      if (!text.endsWith('\n')) process.stdout.write('\n');
    }
    lines.prompt();
  }
}

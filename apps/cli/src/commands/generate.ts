/** @file `alice generate`: continues a text, word by word on the terminal. */
import { Command } from 'commander';
import pc from 'picocolors';
import { createLifecycle } from '../process/lifecycle.js';
import { whileWaiting } from '../terminal/whileWaiting.js';
import { type DeviceFlags, openPlatform, withDeviceOption } from '../training/deviceOption.js';
import { type ModelFlags, withModelOptions } from '../training/modelOptions.js';
import { type SamplingFlags, seedOf, withSamplingOptions } from '../training/samplingOptions.js';

interface Flags extends ModelFlags, SamplingFlags, DeviceFlags {
  readonly json?: boolean;
}

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('continue a text with a trained model')
    .argument('<prompt>', 'the text to continue')
    .option('--json', 'answer as JSON when done');
  return withSamplingOptions(withModelOptions(withDeviceOption(command)), { maxTokens: 128 }).action(
    async (prompt: string, flags: Flags) => {
      const { signal } = createLifecycle();
      const [{ openModel }, { openWriter }] = await Promise.all([
        import('../training/modelSource.js'),
        import('../training/openWriter.js'),
      ]);
      const model = await openModel(flags, signal);
      const platform = await openPlatform(flags);
      const writer = await whileWaiting('preparing the model', { quiet: flags.json }, () =>
        openWriter(model, { threads: flags.threads, platform }),
      );
      const seed = seedOf(flags);
      const show = (text: string): void => {
        if (!flags.json) process.stdout.write(text);
      };
      try {
        show(pc.bold(prompt));
        const written = await writer.continue(writer.tokenizer.encode(prompt), {
          ...flags,
          seed,
          signal,
          show,
        });
        if (flags.json)
          process.stdout.write(`${JSON.stringify({ prompt, seed, ...written, ...model.facts })}\n`);
        else process.stdout.write('\n');
        if (!flags.json && process.stderr.isTTY)
          process.stderr.write(
            pc.dim(
              `${written.tokens} tokens, ${written.tokensPerSecond.toFixed(0)} tokens/s, seed ${seed}\n`,
            ),
          );
      } finally {
        await writer.close();
        await model.close();
      }
    },
  );
}

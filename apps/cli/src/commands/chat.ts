/** @file `alice chat`: a conversation by continuing one growing text. The models are base models: they write on, they do not answer. */
import { Command } from 'commander';
import pc from 'picocolors';
import { createLifecycle } from '../process/lifecycle.js';
import { whileWaiting } from '../terminal/whileWaiting.js';
import { type DeviceFlags, openPlatform, withDeviceOption } from '../training/deviceOption.js';
import { type ModelFlags, withModelOptions } from '../training/modelOptions.js';
import { type SamplingFlags, seedOf, withSamplingOptions } from '../training/samplingOptions.js';

type Flags = ModelFlags & SamplingFlags & DeviceFlags;

export function chatCommand(): Command {
  const command = new Command('chat').description('write a text together with a trained model, line by line');
  return withSamplingOptions(withModelOptions(withDeviceOption(command)), { maxTokens: 80 }).action(
    async (flags: Flags) => {
      const { signal } = createLifecycle();
      const [{ openModel }, { openWriter }, { converse }] = await Promise.all([
        import('../training/modelSource.js'),
        import('../training/openWriter.js'),
        import('../training/converse.js'),
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
        await converse(writer, {
          ...{ sampling: flags, seed: seedOf(flags), signal },
          ...{ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY === true },
        });
      } finally {
        await writer.close();
        await model.close();
      }
    },
  );
}

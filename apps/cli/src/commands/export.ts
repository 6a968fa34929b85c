/** @file `alice export`: a model as files that other programs open. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { choiceOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { createProgress } from '../progressBar.js';
import { type ModelFlags, withModelOptions } from '../training/modelOptions.js';
import { watchReads } from '../training/watchReads.js';

interface Flags extends ModelFlags {
  format: 'safetensors' | 'gguf';
  dtype?: 'f16' | 'f32';
  out: string;
  json?: boolean;
}

/** How often a tensor is read: its hash stands before it. */
const READS = 2;

export function exportCommand(): Command {
  const command = new Command('export').description(
    'write a model as files that transformers (safetensors) or llama.cpp (gguf) open',
  );
  return withModelOptions(command)
    .option(
      '--format <name>',
      'safetensors or gguf',
      choiceOption('--format', ['safetensors', 'gguf']),
      'safetensors',
    )
    .option(
      '--dtype <type>',
      'f16 or f32 (default: what the weights are)',
      choiceOption('--dtype', ['f16', 'f32']),
    )
    .option('--out <dir>', 'where the files go', 'alice-model')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Hashes are written beside: "sha256sum -c SHA256SUMS", or "sha256sum -c FILE.gguf.sha256", checks the files.

Examples:
  alice export --out my-model
  alice export --server http://127.0.0.1:8420 --format gguf --out my-model
  alice export --model run/model --format gguf --dtype f16`,
    )
    .action(async (flags: Flags) => {
      const { signal } = createLifecycle();
      const [{ openModel }, { exportGguf, exportSafetensors }] = await Promise.all([
        import('../training/modelSource.js'),
        import('@alice/model'),
      ]);
      const model = await openModel(flags, signal);
      const progress = createProgress('writing', {
        unit: 'M weights',
        quiet: flags.json ?? false,
        scale: 1e-6,
      });
      try {
        const { config, facts, isHalf } = model;
        const weights = watchReads(model.weights, { passes: READS, onRead: progress.update });
        const dir = resolve(flags.out);
        const dtype = (flags.dtype ?? (isHalf ? 'f16' : 'f32')) === 'f16' ? 'F16' : 'F32';
        const common = { config, facts, weights, dtype } as const;
        const files =
          flags.format === 'gguf'
            ? [
                await exportGguf({
                  ...common,
                  path: join(dir, `alice-${config.name}-${dtype.toLowerCase()}.gguf`),
                }),
              ]
            : await exportSafetensors({ ...common, dir });
        if (flags.json) process.stdout.write(`${JSON.stringify({ ...facts, dtype, files })}\n`);
        else
          for (const { path, sizeBytes, sha256 } of files)
            process.stdout.write(
              `${pc.green('✓')} ${path}  ${(sizeBytes / 1e6).toFixed(2)} MB  ${pc.dim(sha256)}\n`,
            );
      } finally {
        progress.stop();
        await model.close();
      }
    });
}

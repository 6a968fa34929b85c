/** @file `alice serve`: a model behind OpenAI's HTTP routes. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLogger } from '../logging.js';
import { integerOption, listenPortOption } from '../options.js';
import { createLifecycle } from '../process/lifecycle.js';
import { type ModelFlags, withModelOptions } from '../training/modelOptions.js';
import { withThreadsOption } from '../training/threadsOption.js';
import { type LogOptions, withLogOptions } from './common.js';

interface Flags extends ModelFlags, LogOptions {
  host: string;
  port: number;
  threads: number;
  workers: number;
  queue: number;
  maxTokens: number;
  onDemand?: boolean;
  idleSeconds: number;
  background?: boolean;
  samples?: string;
}

const FOLLOW_MS = 5_000;
const LOW_PRIORITY = 10;

export function serveCommand(): Command {
  const command = new Command('serve').description(
    'serve a model to programs that speak to OpenAI: /v1/models, /v1/completions, /v1/chat/completions',
  );
  withThreadsOption(withModelOptions(command), { about: 'processor threads of each worker', threads: 2 })
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'HTTP port (0: any free one)', listenPortOption('--port'), 8421)
    .option('--workers <n>', 'texts written at the same time', integerOption('--workers', 1, 64), 1)
    .option(
      '--queue <n>',
      'requests that may wait; more get 429 and Retry-After',
      integerOption('--queue', 0, 10_000),
      16,
    )
    .option(
      '--max-tokens <n>',
      'the most tokens one text may have',
      integerOption('--max-tokens', 1, 1_000_000),
      4096,
    )
    .option('--on-demand', 'load the model at the first request and give its memory back when idle')
    .option(
      '--idle-seconds <s>',
      'with --on-demand: how long idle',
      integerOption('--idle-seconds', 1, 86_400),
      60,
    )
    .option('--background', 'leave the processor to others first')
    .option('--samples <file>', 'let versions of a network write to the same beginnings, and keep that here');
  return withLogOptions(command)
    .addHelpText(
      'after',
      `
The model is the newest of the network, followed as it is trained, or that of a checkpoint folder.
With ALICE_API_KEY set, callers must send that key.

Examples:
  alice serve                                        the network of this folder
  alice serve --server http://127.0.0.1:8420 --port 8421
  alice serve --model my-model --host 0.0.0.0        (set ALICE_API_KEY first)
  curl http://127.0.0.1:8421/v1/completions -H 'content-type: application/json' \\
    -d '{"model": "alice", "prompt": "Once upon a time", "max_tokens": 40}'`,
    )
    .action(serve);
}

async function serve(flags: Flags): Promise<void> {
  const lifecycle = createLifecycle();
  if (flags.background) setPriority(LOW_PRIORITY);
  const log = createLogger('serve', flags.log, flags.logLevel);
  const [
    { originOf },
    { InferenceThread },
    { InferenceQueue },
    { startInferenceServer },
    { describeNetworkModel },
    { SampleBook },
    { keepSamples },
  ] = await Promise.all([
    import('../serve/originOf.js'),
    import('../serve/InferenceThread.js'),
    import('../serve/InferenceQueue.js'),
    import('../serve/inferenceServer.js'),
    import('../serve/describeModel.js'),
    import('../serve/SampleBook.js'),
    import('../serve/keepSamples.js'),
  ]);
  const seed = new Uint8Array(randomBytes(32));
  const threads = await Promise.all(
    Array.from({ length: flags.workers }, async (_, i) => {
      const origin = await originOf(flags, { seed, instance: `inference-${i + 1}` });
      const idleMs = flags.onDemand ? flags.idleSeconds * 1000 : 0;
      return {
        origin,
        thread: new InferenceThread({ origin, threads: flags.threads, idleMs, followMs: FOLLOW_MS }, { log }),
      };
    }),
  );
  const [first] = threads;
  const { origin, thread } = first!;
  const queue = new InferenceQueue(
    threads.map((each) => each.thread),
    flags.queue,
  );
  if (!flags.onDemand || origin.kind === 'folder')
    await Promise.all(threads.map((each) => each.thread.load()));
  const describe = origin.kind === 'server' ? describeNetworkModel(origin.url) : () => thread.load();
  const book = new SampleBook(flags.samples === undefined ? undefined : resolve(flags.samples));
  const fileDir = mkdtempSync(join(tmpdir(), 'alice-serve-'));
  const server = await startInferenceServer(
    { ...flags, apiKey: process.env['ALICE_API_KEY'] || undefined },
    { queue, describe, samples: () => book.message(), fileDir, log, nowMs: Date.now },
  );
  if (flags.samples !== undefined && origin.kind === 'server')
    keepSamples(book, { queue, describe, log, signal: lifecycle.signal });
  announce(server.url, flags);
  log.debug('The inference endpoint is ready', { url: server.url });
  lifecycle.ready({ url: server.url });
  await lifecycle.stopped;
  await server.close();
  await Promise.all(threads.map((each) => each.thread.close()));
  rmSync(fileDir, { recursive: true, force: true });
}

function announce(url: string, { log }: Flags): void {
  if (log === 'json') return;
  process.stdout.write(
    `${pc.bold('Alice inference')}  ${pc.underline(`${url}/v1`)}\n  ${pc.dim(`OPENAI_BASE_URL=${url}/v1  model "alice"; Ctrl-C stops it`)}\n`,
  );
}

/** @file `alice data serve`: the public files of a dataset over HTTP. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { DEFAULT_DIR } from '../commands/common.js';
import { listenPortOption } from '../options.js';
import { choosePort } from '../process/freePort.js';
import { createLifecycle } from '../process/lifecycle.js';

interface ServeFlags {
  readonly port?: number;
  readonly host: string;
  readonly json?: boolean;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the training shards of a dataset, its manifest and its block hashes: a mirror')
    .argument('[dir]', 'folder of shards', join(DEFAULT_DIR, 'data'))
    .option(
      '--port <port>',
      'HTTP port (default: 8422, or the next free one; 0: any)',
      listenPortOption('--port'),
    )
    .option('--host <address>', 'address to listen on; 0.0.0.0 for all', '127.0.0.1')
    .option('--json', 'say where it listens as one line of JSON')
    .addHelpText(
      'after',
      '\nValidation and audit shards are never served. Miners ask a mirror first with --data-mirror and check the hash of every\n' +
        'block, so a mirror need not be trusted. Other machines reach it through https only: put nginx in front (docs/data.md).\n\n' +
        'Example:\n  alice data serve ./slim --port 8422\n  alice miner --data-mirror http://127.0.0.1:8422',
    )
    .action(async (dir: string, { port: asked, host, json }: ServeFlags) => {
      const { serveDataset } = await import('./serveDataset.js');
      const { stopped, ready } = createLifecycle();
      const port = await choosePort({ asked, preferred: 8422, option: '--port' });
      const server = await serveDataset({ dir: resolve(dir), host, port });
      const { url, root, shards } = server;
      process.stdout.write(
        json
          ? `${JSON.stringify({ url, root, shards })}\n`
          : `${pc.green('✓')} ${shards} training shards at ${url}\n  root ${root}\n`,
      );
      ready({ url });
      await stopped;
      await server.close();
    });
}

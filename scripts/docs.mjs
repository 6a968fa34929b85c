/** @file `npm run docs`: makes the clone ready, then builds the documentation's site in docs/dist. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureReady, root } from './ensure.mjs';

await ensureReady({ dev: false });
const entry = join(root, 'apps', 'cli', 'dist', 'docs', 'buildDocs.js');
process.exit(spawnSync(process.execPath, [entry], { stdio: 'inherit' }).status ?? 1);

/** @file `npm run docs`: makes the clone ready, then builds the documentation's site in docs/dist. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled({ dev: false });
await ensureBuilt();
const entry = join(root, 'apps', 'cli', 'dist', 'docs', 'buildDocs.js');
process.exit(spawnSync(process.execPath, [entry], { stdio: 'inherit' }).status ?? 1);

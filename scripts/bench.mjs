/** @file `npm run -s bench -- NAME --json`: makes the clone ready, then runs one bench of the lab. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled({ dev: false });
await ensureBuilt();
await import(pathToFileURL(join(root, 'lab', 'dist', 'bench', 'main.js')).href);

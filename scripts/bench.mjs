/** @file `npm run -s bench -- NAME --json`: makes the clone ready, then runs one bench of the lab. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady, root } from './ensure.mjs';

await ensureReady({ dev: false });
await import(pathToFileURL(join(root, 'lab', 'dist', 'bench', 'main.js')).href);

/** @file `npm start` and `npm run alice`: makes the clone ready, then hands over to the `alice` command. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled({ dev: false });
await ensureBuilt();
await import(pathToFileURL(join(root, 'apps', 'cli', 'dist', 'main.js')).href);

/** @file `npm start` and `npm run alice`: makes the clone ready, then hands over to the `alice` command. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady, root } from './ensure.mjs';

await ensureReady({ dev: false });
await import(pathToFileURL(join(root, 'apps', 'cli', 'dist', 'main.js')).href);

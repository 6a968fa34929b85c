/** @file A scorer to be measured with the load: `loadScorer.js <url>`; sends its parent each job it has finished. */
import { initCrypto, keyPairFromSecret, silentLogger } from '@alice/protocol';
import { runScorer } from '../scorer/runScorer.js';

const [serverUrl] = process.argv.slice(2) as [string];
await initCrypto();
const ended = new AbortController();
process.on('SIGTERM', () => ended.abort());
process.on('disconnect', () => process.exit(0));
await runScorer(
  { serverUrl, key: keyPairFromSecret('//scorer'), instance: 'load', threads: 1 },
  {
    log: silentLogger,
    signal: ended.signal,
    onEvent: (event) => void (event.type === 'scored' && process.send?.(event)),
  },
);
process.exit(0);

/**
 * @file A scorer to be measured with the load: `loadScorer.js <url>`; tells its parent after each job what share of its
 * processor time the bare forward passes of the rows it scored would have taken. Processor time, not time on the clock, and
 * bare passes measured all along, so that it does not matter what else the machine does.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { initCrypto, keyPairFromSecret, silentLogger } from '@alice/protocol';
import { runScorer } from '../scorer/runScorer.js';

/** So many jobs for each bare pass: it shall not be what the machine is busy with. */
const JOBS_A_MEASUREMENT = 3;

const [serverUrl] = process.argv.slice(2) as [string];
await initCrypto();
const ended = new AbortController();
process.on('SIGTERM', () => ended.abort());
process.on('disconnect', () => process.exit(0));
const bare = fork(fileURLToPath(new URL('./loadForward.js', import.meta.url)));
await once(bare, 'message');
const perRowMs: number[] = [];
bare.on('message', (answer: { perRowMs: number }) => perRowMs.push(answer.perRowMs));
bare.send('measure');
let first: { readonly cpuMs: number } | undefined;
let jobs = 0;
let rows = 0;
await runScorer(
  { serverUrl, key: keyPairFromSecret('//scorer'), instance: 'load', threads: 1 },
  {
    log: silentLogger,
    signal: ended.signal,
    onEvent: (event) => {
      if (event.type !== 'scored') return;
      // The first job pays for compiling, and for the losses before.
      if (first) rows += event.rows;
      else first = { cpuMs: cpuMs() };
      process.send?.({ share: (rows * mean(perRowMs)) / (cpuMs() - first.cpuMs) });
      if (++jobs % JOBS_A_MEASUREMENT === 0) bare.send('measure');
    },
  },
);
process.exit(0);

/** Processor time of all threads, ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * @file A scorer to be measured with the load: `loadScorer.js <url>`; tells its parent after each job what share of its
 * processor time the bare forward passes of the rows it scored would have taken. Processor time, not time on the clock, so
 * that it does not matter what else the machine does.
 */
import { createLossFunction, initParameters, presets } from '@alice/model';
import { initCrypto, keyPairFromSecret, silentLogger } from '@alice/protocol';
import { runScorer } from '../scorer/runScorer.js';

const SEQUENCE_LENGTH = 128;
const ROWS = 64;

const [serverUrl] = process.argv.slice(2) as [string];
await initCrypto();
const ended = new AbortController();
process.on('SIGTERM', () => ended.abort());
process.on('disconnect', () => process.exit(0));
const bare = await bareForward();
let first: { readonly cpuMs: number } | undefined;
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
      process.send?.({ share: (rows * bare) / (cpuMs() - first.cpuMs) });
    },
  },
);
process.exit(0);

/** Processor time of all threads, ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time of a row, ms. */
async function bareForward(): Promise<number> {
  const forward = await createLossFunction(presets.tiny, {
    batch: 8,
    sequenceLength: SEQUENCE_LENGTH,
    threads: 1,
  });
  const parameters = initParameters(presets.tiny, 'load');
  const tokens = Uint16Array.from({ length: ROWS * (SEQUENCE_LENGTH + 1) }, (_, i) => (i * 7919) % 8_000);
  await forward.run(parameters, tokens);
  const before = cpuMs();
  await forward.run(parameters, tokens);
  const perRow = (cpuMs() - before) / ROWS;
  await forward.dispose();
  return perRow;
}

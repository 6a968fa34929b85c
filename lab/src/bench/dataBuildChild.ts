/** @file A process of its own that builds one dataset on two threads and reports time, text, tokens and peak memory. */
import { buildDataset } from '@alice/data';
import { openTokenizer } from '@alice/model';

const [source, outDir, nearDuplicates] = process.argv.slice(2) as [string, string, 'ignore' | 'keep'];
let [textBytes, tokens] = [0, 0];
const tokenizer = await openTokenizer('gpt2');
const begun = performance.now();
const { root } = await buildDataset({
  source,
  outDir,
  tokenizer,
  tokenizerModule: { url: import.meta.resolve('@alice/model'), open: 'openTokenizer', id: 'gpt2' },
  workers: 2,
  seed: 'bench',
  stream: true,
  nearDuplicates,
  onProgress: (progress) => {
    textBytes = progress.textBytes ?? textBytes;
    tokens = progress.tokens ?? tokens;
  },
});
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;
process.stdout.write(
  `${JSON.stringify({ root, seconds, cpuSeconds, textBytes, tokens, rssBytes: process.resourceUsage().maxRSS * 1024 })}\n`,
);

/** @file A process of its own that builds one dataset on two threads and reports time, text, tokens and peak memory. */
import { buildDataset } from '@alice/data';
import { openTokenizer } from '@alice/model';

const [source, outDir] = process.argv.slice(2) as [string, string];
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
  onProgress: (progress) => {
    textBytes = progress.textBytes ?? textBytes;
    tokens = progress.tokens ?? tokens;
  },
});
const seconds = (performance.now() - begun) / 1000;
process.stdout.write(
  `${JSON.stringify({ root, seconds, textBytes, tokens, rssBytes: process.resourceUsage().maxRSS * 1024 })}\n`,
);

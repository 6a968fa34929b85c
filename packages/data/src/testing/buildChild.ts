/** @file A process that builds a dataset and kills itself, as hard as can be, at a given progress: "stage count". */
import { buildDataset } from '../build/buildDataset.js';
import { byteTokenizer } from './byteTokenizer.js';

const [source, outDir, stopAt] = process.argv.slice(2) as [string, string, string];
const [stage, count] = stopAt.split(' ');
let seen = 0;

await buildDataset({
  source,
  outDir,
  tokenizer: byteTokenizer,
  seed: 'seed',
  stream: true,
  onProgress: (progress) => {
    if (progress.stage === stage && ++seen > Number(count)) process.kill(process.pid, 'SIGKILL');
  },
});

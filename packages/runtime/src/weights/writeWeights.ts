/**
 * @file A program: measures all weights, prints them as JSON, and with a path as its argument writes them there as
 * `weights.ts`. `npm run bench -- weights` runs it.
 */
import { writeFileSync } from 'node:fs';
import { initCrypto } from '@alice/protocol';
import { measureWeights, weightsFile } from './measureWeights.js';
import { WEIGHTS } from './weights.js';

await initCrypto();
const measured = measureWeights(() => process.hrtime.bigint());
const [path] = process.argv.slice(2);
if (path) writeFileSync(path, weightsFile(measured));
const rows = measured.map(({ name, base, item }) => ({
  name,
  base: Number(base),
  item: Number(item),
  committedBase: Number(WEIGHTS[name][0]),
  committedItem: Number(WEIGHTS[name][1]),
}));
process.stdout.write(`${JSON.stringify(rows)}\n`);

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { buildDataset } from '../build/buildDataset.js';
import { openDataset } from '../openDataset.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { prose } from '../testing/prose.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { datasetStats } from './datasetStats.js';
import { statsSvg } from './statsSvg.js';

it('counts documents by length, split and folder, and draws them with names made safe', async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`<a>&/${i % 3}/f${i}.txt`, prose(`s${i}`, 1500)]),
  );
  const dir = temporaryFolder(t);
  await buildDataset({ source: temporaryFolder(t, files), outDir: dir, tokenizer: byteTokenizer, seed: 's' });
  const stats = await datasetStats(openDataset(dir));
  assert.deepEqual(stats.lengths, [...Array(10).fill(0), 60], 'all have 1024 to 2047 bytes');
  assert.equal(stats.documents.train + stats.documents.validation, 60);
  assert.deepEqual(
    stats.folders,
    [0, 1, 2].map((i) => ({ folder: `<a>&/${i}`, documents: 20 })),
  );
  const svg = statsSvg(stats, 'a <b>');
  assert.ok(svg.includes('a &#60;b&#62;') && !svg.includes('<a>') && svg.includes('>60</text>'));
});

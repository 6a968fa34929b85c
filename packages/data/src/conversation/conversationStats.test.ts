import assert from 'node:assert/strict';
import { it } from 'node:test';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { buildConversations } from './buildConversations.js';
import { conversationStats } from './conversationStats.js';
import { conversationStatsSvg } from './conversationStatsSvg.js';
import { openConversations } from './openConversations.js';

const lines = (records: readonly object[]): Buffer =>
  Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));

/** With `answers` answers of ten letters, to questions of ten. */
const chat = (i: number, answers: number): object => ({
  messages: Array.from({ length: 2 * answers }, (_, turn) => ({
    role: turn % 2 === 0 ? 'user' : 'assistant',
    content: `${turn % 2 === 0 ? 'q' : 'a'}${i}`.padEnd(10, '.'),
  })),
});

it('counts what conversations ask, answer and teach, by split and source, and draws it', async (t) => {
  const source = temporaryFolder(t, {
    '<a>/f.jsonl': lines(Array.from({ length: 60 }, (_, i) => chat(i, 1 + (i % 3)))),
    'b/f.jsonl': lines([...Array.from({ length: 40 }, (_, i) => chat(100 + i, 12)), chat(100, 12)]),
  });
  const outDir = temporaryFolder(t);
  await buildConversations({ kind: 'chat', source, outDir, tokenizer: byteTokenizer, seed: 's' });
  const dataset = openConversations(outDir);
  const stats = await conversationStats(dataset);
  assert.deepEqual(stats.answers, [0, 20, 20, 20, 0, 0, 0, 0, 0, 0, 40], 'twelve count as ten or more');
  assert.equal(stats.longer, null);
  assert.equal(stats.records.train + stats.records.validation, 100);
  // "User:\n", ten letters and a separator; "Assistant:\n", ten letters and a separator, of which eleven are learned.
  const answers = 20 + 40 + 60 + 40 * 12;
  assert.equal(stats.tokens.train + stats.tokens.validation, answers * (6 + 11 + 11 + 11));
  assert.equal(stats.learned.train + stats.learned.validation, answers * 11);
  assert.deepEqual(stats.learnedTenths, [0, 0, 100, 0, 0, 0, 0, 0, 0, 0], '11 of 39');
  assert.deepEqual(stats.folders, [
    { folder: '<a>', documents: 60 },
    { folder: 'b', documents: 40 },
  ]);
  const svg = conversationStatsSvg(stats, dataset.manifest.name);
  for (const text of ['conversations by number of answers', '10 or more', '28 % learned', '&#60;a&#62;'])
    assert.ok(svg.includes(text), text);
  assert.match(svg, /duplicates dropped<\/text>[\s\S]*?>1<\/text>/);
  assert.ok(!svg.includes('<a>'));
});

it('says of preferences which answer is the longer one', async (t) => {
  const pair = (i: number): object => ({
    prompt: `p${i}`,
    chosen: 'yes'.repeat(1 + (i % 4)),
    rejected: 'no!no!',
  });
  const source = temporaryFolder(t, { 'f.jsonl': lines(Array.from({ length: 80 }, (_, i) => pair(i))) });
  const outDir = temporaryFolder(t);
  await buildConversations({ kind: 'preference', source, outDir, tokenizer: byteTokenizer, seed: 's' });
  const stats = await conversationStats(openConversations(outDir));
  assert.deepEqual(stats.longer, { chosen: 40, rejected: 20, neither: 20 });
  assert.deepEqual(stats.answers, []);
  const svg = conversationStatsSvg(stats, 'choices');
  assert.match(svg, /pairs by the longer answer[\s\S]*?>40<\/text>/);
});

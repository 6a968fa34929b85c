/** @file Data of another kind than the objective learns from is named as such, not as a damaged manifest. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildConversationShards } from '../../dataset/buildConversationShards.js';
import { buildShards } from '../../dataset/buildShards.js';
import { type ObjectiveName, openLessons } from './openLearner.js';

const folder = mkdtempSync(join(tmpdir(), 'alice-lessons-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { signal } = new AbortController();

const numbers = Array.from({ length: 60 }, (_, i) => i);
const RECORDS = {
  chat: (i: number) => ({
    messages: [
      { role: 'user', content: `What comes after ${i}?` },
      { role: 'assistant', content: `${i + 1}.` },
    ],
  }),
  preference: (i: number) => ({ prompt: `And after ${i}?`, chosen: `${i + 1}.`, rejected: `Not ${i}.` }),
};

async function buildTalk(kind: 'chat' | 'preference'): Promise<void> {
  const source = join(folder, `${kind}.jsonl`);
  writeFileSync(source, numbers.map((i) => `${JSON.stringify(RECORDS[kind](i))}\n`).join(''));
  await buildConversationShards(
    {
      ...{ kind, source, outDir: join(folder, kind), tokenizerId: 'gpt2-1024', seed: 'test', quiet: true },
      ...{ replace: false, skipInvalid: false, workers: 1 },
    },
    { signal },
  );
}

test('each objective takes its own kind of data and names any other', async () => {
  const source = join(folder, 'text.txt');
  writeFileSync(source, Array.from({ length: 12_000 }, (_, i) => `line ${i} of the text\n\n`).join(''));
  await buildShards(
    {
      ...{ source, outDir: join(folder, 'text'), tokenizerId: 'gpt2-1024', seed: 'test', quiet: true },
      ...{ replace: false, more: { workers: 1 } },
    },
    { signal },
  );
  await buildTalk('chat');
  await buildTalk('preference');
  const wanted = { lm: 'text', sft: 'chat', dpo: 'preference' } as const;
  for (const objective of Object.keys(wanted) as ObjectiveName[])
    for (const kind of Object.values(wanted)) {
      const open = () => openLessons(objective, join(folder, kind));
      if (kind === wanted[objective]) assert.equal(open().objective, objective);
      else assert.throws(open, { code: 'RUN_DATA_KIND' }, `${objective} with ${kind}`);
    }
});

test('a folder without a manifest is told how to become a dataset', () => {
  for (const objective of ['lm', 'sft', 'dpo'] as const)
    assert.throws(() => openLessons(objective, folder), {
      code: 'MANIFEST_MISSING',
      message: /alice data build SOURCE --out/,
    });
});

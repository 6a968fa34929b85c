import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { diffManifests } from '../audit/diffManifests.js';
import { byteTokenizer } from '../testing/byteTokenizer.js';
import { temporaryFolder } from '../testing/temporaryFolder.js';
import { zstdFrame } from '../testing/zstdFrame.js';
import { type BuildConversationsOptions, buildConversations } from './buildConversations.js';
import { type ConversationManifest, parseConversationManifest } from './conversationManifest.js';
import {
  type ConversationRecord,
  decodeConversationShard,
  encodeConversationShard,
} from './conversationShard.js';
import { openConversations } from './openConversations.js';
import { preferencePairs } from './preferencePairs.js';
import { type ConversationRows, sampleConversationRows } from './sampleConversationRows.js';
import { verifyConversationSource } from './verifyConversationSource.js';
import { verifyConversations } from './verifyConversations.js';

const shown = (tokens: Uint16Array): string =>
  Array.from(tokens, (id) => (id === 256 ? '¶' : String.fromCharCode(id))).join('');

function build(
  source: string,
  outDir: string,
  changes: Partial<BuildConversationsOptions> = {},
): Promise<ConversationManifest> {
  return buildConversations({
    kind: 'chat',
    source,
    outDir,
    tokenizer: byteTokenizer,
    seed: 's',
    ...changes,
  });
}

function lines(records: readonly unknown[]): Buffer {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

function content(dir: string): Record<string, string> {
  const names = readdirSync(dir).filter((name) => name !== '.build');
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(dir, name), 'hex')]));
}

const qa = (i: number): object => ({ question: `What is ${i}?`, answer: `It is number ${i}.` });

function chats(t: TestContext, count = 300): string {
  const records = Array.from({ length: count }, (_, i) => qa(i));
  return temporaryFolder(t, {
    'a.jsonl': lines(records.slice(0, 100)),
    'b.jsonl.gz': gzipSync(lines(records.slice(100, 200))),
    'sub/c.jsonl.zst': zstdFrame(lines(records.slice(200))),
  });
}

it('gives the same bytes for the same conversations, keeps equal questions on one side, verifies, and notices damage', async (t) => {
  const source = chats(t);
  const [a, b] = [temporaryFolder(t), temporaryFolder(t)];
  const options = { shardTokens: 2000, validationFraction: 0.2 };
  const manifest = await build(source, a, options);
  assert.equal((await build(source, b, options)).root, manifest.root);
  const names = Object.keys(content(a));
  assert.ok(names.includes('train-000000.bin') && names.includes('validation-000000.bin'));
  assert.deepEqual(content(b), content(a));
  assert.equal(manifest.records, 300);
  const learned = manifest.shards.reduce((sum, shard) => sum + shard.learned, 0);
  // "It is number N." and the separator.
  const expected = Array.from({ length: 300 }, (_, i) => `It is number ${i}.`.length + 1).reduce(
    (x, y) => x + y,
  );
  assert.equal(learned, expected);
  assert.deepEqual((await verifyConversations(a)).problems, []);

  // The same questions with other answers fall on the same sides.
  const other = temporaryFolder(t, {
    'x.jsonl': lines(Array.from({ length: 300 }, (_, i) => ({ ...qa(i), answer: 'No idea.' }))),
  });
  const again = await build(other, temporaryFolder(t), { ...options, shardTokens: 1e6 });
  const counts = (m: ConversationManifest): number =>
    m.shards.filter(({ split }) => split === 'validation').reduce((sum, { records }) => sum + records, 0);
  assert.equal(counts(again), counts(manifest));
  assert.ok(counts(manifest) > 30 && counts(manifest) < 90, `${counts(manifest)}`);

  // Every record follows from the source, and none from another.
  const check = { dataset: openConversations(a), tokenizer: byteTokenizer, samples: 1000, seed: 'c' };
  const proof = await verifyConversationSource({ ...check, source });
  assert.deepEqual([proof.documents, proof.problems], [300, []]);
  const disproof = await verifyConversationSource({ ...check, source: other });
  assert.deepEqual(
    disproof.problems.map(({ code, message }) => [code, message.includes('300 of the records')]),
    [['PROVENANCE_MISMATCH', true]],
  );

  // Nothing to do when it is there; another seed needs leave.
  assert.equal((await build(source, a, options)).root, manifest.root);
  await assert.rejects(build(source, a, { ...options, seed: 'other' }), { code: 'OUTPUT_OCCUPIED' });
  const shard = readFileSync(join(a, 'train-000001.bin'));
  shard[40]! ^= 1;
  writeFileSync(join(a, 'train-000001.bin'), shard);
  assert.deepEqual(
    (await verifyConversations(a)).problems.map(({ info }) => info.code),
    ['SHARD_HASH_MISMATCH'],
  );
});

it('gives the same bytes with any number of threads and after kill -9, and reads no finished file again', async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 9 }, (_, f) => [
      `f${f}.jsonl`,
      lines(Array.from({ length: 60 }, (_, i) => ({ ...qa(f * 50 + i), note: f }))),
    ]),
  );
  const source = temporaryFolder(t, files);
  const out = temporaryFolder(t);
  const tokenizerModule = {
    url: new URL('../testing/byteTokenizer.js', import.meta.url).href,
    open: 'openByteTokenizer',
    id: 'bytes',
  };
  const manifest = await build(source, join(out, 'here'), { seed: 'seed' });
  // Files follow each other by 50 questions and have 60: ten of each are also in the next.
  assert.deepEqual([manifest.records, manifest.duplicatesDropped], [460, 80]);
  for (const workers of [1, 3]) {
    const dir = join(out, `${workers}`);
    await build(source, dir, { seed: 'seed', workers, tokenizerModule });
    assert.deepEqual(content(dir), content(join(out, 'here')));
  }
  const script = fileURLToPath(new URL('../testing/buildChild.js', import.meta.url));
  const killed = join(out, 'killed');
  const finished = new Map<string, number>();
  for (const stopAt of ['tokenize 3', 'tokenize 8']) {
    const [, signal] = await once(fork(script, [source, killed, stopAt, 'chat']), 'exit');
    assert.equal(signal, 'SIGKILL', stopAt);
    for (const name of readdirSync(join(killed, '.build')).filter((n) => /^part-.*\.json$/.test(n))) {
      const { ino } = statSync(join(killed, '.build', name));
      assert.equal(finished.get(name) ?? ino, ino, 'a finished part is not made again');
      finished.set(name, ino);
    }
  }
  assert.ok(finished.size >= 4 && finished.size < 9, `${finished.size}`);
  assert.equal((await build(source, killed, { seed: 'seed' })).root, manifest.root);
  assert.deepEqual(content(killed), content(join(out, 'here')));
  // What was built stays when the source changes; it takes a word to build it anew.
  writeFileSync(join(source, 'f3.jsonl'), lines([qa(1000)]));
  await assert.rejects(build(source, killed, { seed: 'seed' }), { code: 'OUTPUT_OCCUPIED' });
  const anew = await build(source, killed, { seed: 'seed', replace: true });
  const diff = diffManifests(manifest, anew);
  assert.deepEqual(
    [diff.isSame, diff.sourcesAdded, diff.sourcesRemoved, diff.sourcesChanged],
    [false, [], [], ['f3.jsonl']],
  );
  assert.ok(diff.settings.includes('records: 460 → 421'), diff.settings.join());
});

it('packs whole conversations into rows, masks all but answers, and uses each once before any twice', async (t) => {
  const dir = temporaryFolder(t);
  await build(chats(t), dir, { shardTokens: 2000 });
  const dataset = openConversations(dir);
  const sample = { dataset, split: 'train', rows: 8, rowLength: 130 } as const;
  const rows = await sampleConversationRows({ ...sample, seed: 'x' });
  assert.deepEqual(await sampleConversationRows({ ...sample, seed: 'x' }), rows);
  assert.notDeepEqual(await sampleConversationRows({ ...sample, seed: 'y' }), rows);
  const questions: string[] = [];
  for (let row = 0; row < 8; row++) {
    const ids = rows.tokens.subarray(row * 130, (row + 1) * 130);
    const text = shown(ids);
    assert.match(text, /^(User:\nWhat is \d+\?¶Assistant:\nIt is number \d+\.¶)+¶*$/);
    questions.push(...[...text.matchAll(/What is (\d+)/g)].map(([, n]) => n!));
    const kept = shown(ids.filter((_, i) => rows.mask[row * 130 + i] === 1));
    assert.equal(kept, [...text.matchAll(/It is number \d+\.¶/g)].map(([answer]) => answer).join(''));
  }
  assert.equal(questions.length, rows.conversations);
  assert.equal(new Set(questions).size, questions.length);
  // More rows than the data fill: all conversations come before any comes twice.
  const many: ConversationRows = await sampleConversationRows({ ...sample, rows: 400, seed: 'x' });
  const seen = [...shown(many.tokens).matchAll(/What is (\d+)/g)].map(([, n]) => n!);
  const all = dataset.manifest.shards
    .filter(({ split }) => split === 'train')
    .reduce((sum, s) => sum + s.records, 0);
  assert.equal(new Set(seen.slice(0, all)).size, all);
  assert.ok(seen.length > all);
  await assert.rejects(sampleConversationRows({ ...sample, rowLength: 10, seed: 'x' }), {
    code: 'ROWS_TOO_FEW',
  });
});

it('reads the shapes that conversations are published in, and refuses others with line and reason', async (t) => {
  const good = [
    {
      messages: [
        { role: 'developer', content: 'S' },
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a' },
      ],
    },
    {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'q' }] },
        { role: 'assistant', content: 'a' },
      ],
    },
    {
      conversations: [
        { from: 'human', value: 'h' },
        { from: 'gpt', value: 'g' },
        { from: 'human', value: 'h2' },
      ],
    },
    { prompt: 'p', completion: 'c' },
    { instruction: 'i', input: 'in', output: 'o', system: 'sys' },
  ];
  const bad = [
    '{"messages":[{"role":"tool","content":"x"}]}',
    '{"messages":[{"role":"user","content":"x"}]}',
    '{"conversations":[{"from":"gpt","value":"x"}]}',
    '{"messages":[{"role":"user","content":""},{"role":"assistant","content":"x"}]}',
    '{"messages":[{"role":"user","content":[{"type":"image_url"}]},{"role":"assistant","content":"x"}]}',
    '{"text":"x"}',
    '[1]',
    '{"prompt":',
  ];
  const [first, ...others] = good.map((record) => JSON.stringify(record));
  const content = [first, ...bad, ...others].join('\n');
  const source = temporaryFolder(t, { 'a.jsonl': content });
  await assert.rejects(build(source, temporaryFolder(t)), {
    info: {
      code: 'JSON_LINE_INVALID',
      path: 'a.jsonl',
      line: 2,
      byteOffset: first!.length + 1,
      reason: 'message 0 has the unknown role "tool"',
    },
  });
  const dir = temporaryFolder(t);
  const manifest = await build(source, dir, { onInvalid: 'skip' });
  assert.deepEqual([manifest.records, manifest.skipped], [5, bad.length]);
  const offsets = bad.map((_, i) =>
    [first!, ...bad.slice(0, i)].reduce((sum, line) => sum + line.length + 1, 0),
  );
  assert.deepEqual(
    manifest.sources[0]!.faults,
    offsets.map((offset) => ({ code: 'JSON_LINE_INVALID', offset })),
  );
  const dataset = openConversations(dir);
  const texts: string[] = [];
  for (const [i] of dataset.manifest.shards.entries())
    for (const record of await dataset.records(i)) if ('mask' in record) texts.push(shown(record.tokens));
  assert.deepEqual(texts.sort(), [
    'System:\nS¶User:\nq¶Assistant:\na¶',
    'System:\nsys¶User:\ni\n\nin¶Assistant:\no¶',
    'User:\nh¶Assistant:\ng¶User:\nh2¶',
    'User:\np¶Assistant:\nc¶',
    'User:\nq¶Assistant:\na¶',
  ]);
});

it('reads preferences in the shapes they are published in, as a common prompt and two answers', async (t) => {
  const user = { role: 'user', content: 'q' };
  const said = (content: string): object => ({ role: 'assistant', content });
  const good = [
    { prompt: 'q', chosen: 'good1', rejected: 'bad1' },
    { prompt: [user], chosen: [said('good2')], rejected: [said('bad2')] },
    { prompt: 'q', chosen: [user, said('good3')], rejected: [user, said('bad3')] },
    { chosen: [user, said('good4')], rejected: [user, said('bad4')] },
  ];
  const bad = [
    { prompt: 'q', chosen: 'same', rejected: ' same ' },
    { chosen: [user, said('a')], rejected: [{ role: 'user', content: 'r' }, said('b')] },
    { chosen: 'a', rejected: 'b' },
    { prompt: 'q', chosen: 'a' },
    { prompt: 'q', chosen: [said('a'), user, said('b')], rejected: [said('c')] },
  ];
  const source = temporaryFolder(t, { 'p.jsonl': lines([...good, ...good, ...bad]) });
  const dir = temporaryFolder(t);
  const manifest = await build(source, dir, { kind: 'preference', onInvalid: 'skip' });
  assert.deepEqual([manifest.records, manifest.duplicatesDropped, manifest.skipped], [4, 4, 5]);
  const dataset = openConversations(dir);
  const { split } = manifest.shards[0]!;
  const collect = async (options: {
    seed: string;
    epochs?: number;
    longestTokens?: number;
  }): Promise<string[]> => {
    const pairs: string[] = [];
    for await (const { prompt, chosen, rejected } of preferencePairs({ dataset, split, ...options }))
      pairs.push([prompt, chosen, rejected].map(shown).join('|'));
    return pairs;
  };
  const expected = [1, 2, 3, 4].map((i) => `User:\nq¶Assistant:\n|good${i}¶|bad${i}¶`);
  assert.deepEqual((await collect({ seed: 'x' })).sort(), expected);
  assert.deepEqual(
    (await collect({ seed: 'x', epochs: 3 })).sort(),
    [...expected, ...expected, ...expected].sort(),
  );
  await assert.rejects(collect({ seed: 'x', longestTokens: 9 }), { code: 'ROWS_TOO_FEW' });
  await assert.rejects(sampleConversationRows({ dataset, split, rows: 1, rowLength: 50, seed: '' }), {
    code: 'OPTION_INVALID',
  });
});

const ids = fc.uint16Array({ maxLength: 30 });
const chat = fc.array(fc.tuple(fc.nat(65_535), fc.nat(1)), { maxLength: 30 }).map((pairs) => ({
  tokens: Uint16Array.from(pairs, ([id]) => id),
  mask: Uint8Array.from(pairs, ([, bit]) => bit),
}));

it('writes each content of a shard in one way and reads no other', () => {
  const same = (kind: 'chat' | 'preference', records: ConversationRecord[], at: number): void => {
    const bytes = encodeConversationShard(kind, records);
    assert.deepEqual(decodeConversationShard(bytes), { kind, records });
    assert.ok('reason' in decodeConversationShard(bytes.subarray(0, at % bytes.length)));
    assert.ok('reason' in decodeConversationShard(Buffer.concat([bytes, Buffer.of(0)])));
    const flipped = Buffer.from(bytes);
    flipped[at % bytes.length]! ^= 1 << (at & 7);
    const read = decodeConversationShard(flipped);
    // What is still read is another content: no two encodings of one.
    if ('records' in read) assert.notDeepEqual(read, { kind, records });
  };
  fc.assert(
    fc.property(fc.array(chat, { maxLength: 6 }), fc.nat(), (records, at) => same('chat', records, at)),
  );
  const pair = fc.record({ prompt: ids, chosen: ids, rejected: ids }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 6 }), fc.nat(), (records, at) => same('preference', records, at)),
  );
});

it('refuses manifests that contradict themselves', async (t) => {
  const dir = temporaryFolder(t);
  const manifest = await build(chats(t), dir);
  const check = (change: object, field: string): void => {
    try {
      parseConversationManifest(JSON.stringify({ ...manifest, ...change }), 'm');
    } catch (error) {
      const { info } = error as { info: { code: string; field: string } };
      assert.deepEqual([info.code, info.field], ['MANIFEST_INVALID', field]);
      return;
    }
    assert.fail(`${field} was accepted`);
  };
  check({ format: 'alice-shards-1' }, 'format');
  check({ template: 'alice-chat-2' }, 'template');
  check({ kind: 'text' }, 'kind');
  check({ records: manifest.records + 1 }, 'records');
  check({ more: 1 }, 'more');
  check({ shards: [...manifest.shards].reverse() }, 'shards[0]');
  check({ root: `0x${'0'.repeat(64)}` }, 'root');
  check({ kind: 'preference' }, 'root');
});

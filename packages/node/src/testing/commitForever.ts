/**
 * @file A process for the crash test: commits blocks to the directory in its first argument until it is killed, and
 * prints each number after its commit returned.
 */
import { writeSync } from 'node:fs';
import { initHasher } from '../trie/blake2.js';
import { appendChanges, crashTestChanges, openChain } from './scratchChain.js';

await initHasher();
const { chain } = openChain(process.argv[2], 50);
for (;;) {
  const { header } = appendChanges(chain, crashTestChanges(chain.head.header.number + 1));
  writeSync(1, `${header.number}\n`);
}

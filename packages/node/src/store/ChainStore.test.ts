/** @file Checks the store on real directories: kill -9 in a loop, older states, pruning, locking, failed commits. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromHex, type HexString, toHex, utf8 } from '@alice/protocol';
import fc from 'fast-check';
import { hashHeader } from '../block.js';
import {
  appendChanges,
  crashTestChanges,
  openChain,
  type ScratchChain,
  scratchDirectory,
} from '../testing/scratchChain.js';
import { verifyProof } from '../testing/verifyProof.js';
import { initHasher } from '../trie/blake2.js';
import { Trie } from '../trie/Trie.js';

before(initHasher);

const hex = (text: string): HexString => toHex(utf8.encode(text));
const rebuiltRoot = ({ store }: ScratchChain): HexString => toHex(Trie.from(store.entries()).root());

/** Runs the committing process until it has printed `blocks` numbers, kills it, and returns the last one printed. */
async function commitUntilKilled(dir: string, blocks: number): Promise<number> {
  const script = fileURLToPath(new URL('../testing/commitForever.js', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let last = -1;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++seen === blocks) child.kill('SIGKILL');
  }
  await exited;
  return last;
}

test('after kill -9 at any point the store reopens at a whole block, and nothing acknowledged is lost', async () => {
  const dir = scratchDirectory();
  for (const blocks of [1, 17, 90]) {
    const acknowledged = await commitUntilKilled(dir, blocks);
    const scratch = openChain(dir, 50);
    const { chain, store } = scratch;
    const head = chain.head.header;
    assert.ok(head.number >= acknowledged, `head ${head.number} is behind the acknowledged ${acknowledged}`);
    assert.ok(head.number <= acknowledged + 1, 'at most one block was under way');
    assert.equal(rebuiltRoot(scratch), head.stateRoot);
    // The state is the one that these blocks make, not merely one that is consistent.
    const expected = new Map<HexString, Uint8Array | null>([[hex('genesis'), utf8.encode('yes')]]);
    for (let number = 1; number <= head.number; number++)
      for (const [key, value] of crashTestChanges(number)) expected.set(key, value);
    const present = [...expected].flatMap(([key, value]) => (value ? [[fromHex(key), value] as const] : []));
    assert.equal(toHex(Trie.from(present).root()), head.stateRoot);
    for (let number = 1; number <= head.number; number++) {
      const block = store.blockByNumber(number)!;
      assert.equal(hashHeader(block.header), block.hash);
      assert.equal(block.header.parentHash, store.blockByNumber(number - 1)!.hash);
      assert.equal(store.numberOf(block.hash), number);
      assert.deepEqual(store.extrinsic(block.results[0]!.hash), { blockNumber: number, index: 0 });
    }
    await store.close();
  }
});

test('every kept state reads, lists and proves as it was at its block', async () => {
  const keys = ['a', 'ab', 'ab\0\0\0\x01', 'abc', 'b', '\xff\xff'].map(hex);
  const change = fc.tuple(
    fc.constantFrom(...keys),
    fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null }),
  );
  const blocks = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 45 });
  await fc.assert(
    fc.asyncProperty(blocks, async (list) => {
      const { chain, store } = openChain();
      const states: Map<HexString, Uint8Array>[] = [new Map([[hex('genesis'), utf8.encode('yes')]])];
      for (const changes of list) {
        appendChanges(chain, new Map(changes));
        const state = new Map(states.at(-1));
        for (const [key, value] of new Map(changes)) value ? state.set(key, value) : state.delete(key);
        states.push(state);
      }
      for (const [number, state] of states.entries()) {
        const { hash, header } = chain.blockByNumber(number)!;
        const view = chain.stateAt(hash);
        for (const key of keys) assert.deepEqual(view.get(fromHex(key)), state.get(key), `block ${number}`);
        const sorted = [...state.keys()].sort();
        assert.deepEqual(chain.keysAt({ prefix: new Uint8Array(), limit: 100, hash }), sorted);
        const withA = sorted.filter((key) => key.startsWith(hex('a')));
        assert.deepEqual(chain.keysAt({ prefix: utf8.encode('a'), limit: 2, hash }), withA.slice(0, 2));
        const after = utf8.encode('ab');
        const rest = withA.filter((key) => key > hex('ab'));
        assert.deepEqual(chain.keysAt({ prefix: utf8.encode('a'), after, limit: 9, hash }), rest);
        const proof = chain.proof(keys.map(fromHex), hash);
        for (const key of keys) {
          const value = state.get(key);
          const expected = value ? { kind: 'present', value } : { kind: 'absent' };
          assert.deepEqual(verifyProof(fromHex(header.stateRoot), proof, fromHex(key)), expected);
        }
      }
      await store.close();
    }),
    { numRuns: 12 },
  );
});

test('states older than the limit are refused with a code, blocks are kept, history does not grow', async () => {
  const dir = scratchDirectory();
  const { chain, store } = openChain(dir, 10);
  for (let number = 1; number <= 40; number++) appendChanges(chain, crashTestChanges(number));
  assert.equal(store.oldestState, 30);
  assert.deepEqual(
    chain.stateAt(chain.blockByNumber(30)!.hash).get(utf8.encode('counter')),
    utf8.encode('30'),
  );
  assert.throws(() => chain.stateAt(chain.blockByNumber(29)!.hash), { code: 'STATE_DISCARDED' });
  assert.throws(() => chain.proof([], chain.blockByNumber(29)!.hash), { code: 'STATE_DISCARDED' });
  assert.throws(() => chain.stateAt(`0x${'12'.repeat(32)}`), { code: 'BLOCK_UNKNOWN' });
  assert.equal(chain.blockByNumber(3)!.header.number, 3);
  assert.equal([...store.history.changedKeys(0, 30)].length, 0);
  await store.close();
});

test('an archive keeps every state', async () => {
  const { chain, store } = openChain(scratchDirectory(), Number.POSITIVE_INFINITY);
  for (let number = 1; number <= 40; number++) appendChanges(chain, crashTestChanges(number));
  assert.equal(chain.stateAt(chain.genesisHash).get(utf8.encode('counter')), undefined);
  assert.deepEqual(chain.stateAt(chain.genesisHash).get(utf8.encode('genesis')), utf8.encode('yes'));
  await store.close();
});

test('a directory has one user at a time, in this process and across processes', async () => {
  const dir = scratchDirectory();
  const { store } = openChain(dir);
  assert.throws(() => openChain(dir), { code: 'NODE_DIR_LOCKED' });
  const script = fileURLToPath(new URL('../testing/commitForever.js', import.meta.url));
  const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  for await (const chunk of child.stderr) errors += String(chunk);
  assert.match(errors, new RegExp(`in use by a running node \\(process ${process.pid}\\)`));
  await store.close();
  const again = openChain(dir);
  assert.equal(again.chain.head.header.number, 0);
  await again.store.close();
});

test('a state that does not belong to the head is refused', async () => {
  const dir = scratchDirectory();
  const { chain, store } = openChain(dir);
  // What a damaged disk could do: the block says one root, the state holds another.
  const { head } = chain;
  const header = { ...head.header, number: 1, parentHash: head.hash };
  store.commit({ ...head, header, hash: hashHeader(header) }, new Map([[hex('stray'), utf8.encode('1')]]));
  await store.close();
  assert.throws(() => openChain(dir), { code: 'STATE_CORRUPT' });
});

test('a commit that fails half-way leaves nothing behind, and the next one works', async () => {
  const dir = scratchDirectory();
  const scratch = openChain(dir);
  const { chain } = scratch;
  const first = appendChanges(chain, crashTestChanges(1));
  const tooLong = toHex(new Uint8Array(3000)); // LMDB refuses the key after it took the ones before it
  assert.throws(() => appendChanges(chain, new Map([...crashTestChanges(2), [tooLong, utf8.encode('x')]])));
  assert.equal(chain.head.hash, first.hash);
  assert.equal(rebuiltRoot(scratch), first.header.stateRoot);
  assert.equal(chain.blockByNumber(2), undefined);
  const second = appendChanges(chain, crashTestChanges(2));
  assert.equal(rebuiltRoot(scratch), second.header.stateRoot);
  assert.deepEqual(chain.stateAt(first.hash).get(utf8.encode('counter')), utf8.encode('1'));
  await scratch.store.close();
});

/** A chain of 100 blocks, closed. */
async function closedChain(): Promise<{ dir: string; file: string; chain: ScratchChain['chain'] }> {
  const dir = scratchDirectory();
  const { chain, store } = openChain(dir, 50);
  for (let number = 1; number <= 100; number++) appendChanges(chain, crashTestChanges(number));
  await store.close();
  return { dir, file: join(dir, 'data.mdb'), chain };
}

test('a block whose record was changed on disk is refused, and the others are still told', async () => {
  const { dir, file, chain } = await closedChain();
  const damaged = chain.blockByNumber(90)!;
  const bytes = readFileSync(file);
  // Older copies of its page may lie about as well.
  for (let at = bytes.indexOf(fromHex(damaged.header.stateRoot)); at >= 0; ) {
    bytes[at]! ^= 1;
    at = bytes.indexOf(fromHex(damaged.header.stateRoot), at);
  }
  writeFileSync(file, bytes);
  const { chain: again, store } = openChain(dir, 50);
  assert.throws(() => again.blockByNumber(90), { code: 'BLOCK_CORRUPT' });
  assert.throws(() => again.blockByHash(damaged.hash), { code: 'BLOCK_CORRUPT' });
  assert.equal(again.blockByNumber(89)!.hash, chain.blockByNumber(89)!.hash);
  await store.close();
});

test('a database that lost its pages is damaged, not a new chain', async () => {
  const { dir, file } = await closedChain();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0, 2 * 4096)); // all but LMDB's own two pages
  assert.throws(() => openChain(dir, 50), { code: 'STORE_CORRUPT' });
});

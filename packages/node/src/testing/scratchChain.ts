/**
 * @file Chains in temporary directories for tests: opening, appending synthetic blocks, and reopening after a crash.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HexString, toHex, utf8 } from '@alice/protocol';
import type { StateChanges } from '@alice/runtime';
import type { Block } from '../block.js';
import { Chain } from '../Chain.js';
import { ChainStore } from '../store/ChainStore.js';

export const GENESIS_TIME_MS = 1_700_000_000_000n;

export interface ScratchChain {
  readonly dir: string;
  readonly store: ChainStore;
  readonly chain: Chain;
}

const directories: string[] = [];
process.once('exit', () => {
  for (const dir of directories) rmSync(dir, { recursive: true, force: true });
});

/** A new directory that goes away with this process. */
export function scratchDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'alice-node-'));
  directories.push(dir);
  return dir;
}

/** Opens the chain in `dir` (a new one by default) whose genesis holds one entry. */
export function openChain(dir: string = scratchDirectory(), keepStates = 4096): ScratchChain {
  const store = new ChainStore({ dir, keepStates });
  const changes = new Map([[toHex(utf8.encode('genesis')), utf8.encode('yes')]]);
  const chain = new Chain(store, () => ({
    changes,
    timestampMs: GENESIS_TIME_MS,
    facts: { name: 'scratch' },
  }));
  return { dir, store, chain };
}

/** Appends a block that makes exactly these changes. */
export function appendChanges(chain: Chain, changes: StateChanges): Block {
  const { header, hash, timestampMs } = chain.head;
  const number = header.number + 1;
  const extrinsic = utf8.encode(`block ${number}`);
  const resultHash: HexString = `0x${number.toString(16).padStart(64, '0')}`;
  return chain.append(
    { number, parentHash: hash, timestampMs: timestampMs + 1n, extrinsics: [] },
    { changes, extrinsics: [extrinsic], results: [{ hash: resultHash, error: undefined }], dropped: [] },
  );
}

/** The changes of block `number` in the crash test: a counter, a few overwritten keys, some removals. */
export function crashTestChanges(number: number): StateChanges {
  const changes = new Map<HexString, Uint8Array | null>();
  changes.set(toHex(utf8.encode('counter')), utf8.encode(String(number)));
  for (let i = 0; i < 40; i++) {
    const slot = (number * 7 + i * 13) % 300;
    const value = (number + i) % 5 === 0 ? null : utf8.encode(`${number}:`.repeat(1 + (i % 12)));
    changes.set(toHex(utf8.encode(`slot/${slot}`)), value);
  }
  return changes;
}

/**
 * @file Snapshots of a node that does not run: out of its directory into a file, and from a file into a new directory.
 */
import { type HexString, initCrypto } from '@alice/protocol';
import { hashHeader } from '../block.js';
import type { Chain } from '../Chain.js';
import { type ChainSpec, parseChainSpec } from '../chainSpec.js';
import { NodeError } from '../errors.js';
import { openChain } from '../openChain.js';
import { SignatureDesk } from '../signatures/SignatureDesk.js';
import { ChainStore } from '../store/ChainStore.js';
import { initHasher } from '../trie/blake2.js';
import type { SnapshotManifest } from './manifest.js';
import { restoreSnapshot } from './restoreSnapshot.js';
import { SnapshotFile } from './SnapshotFile.js';
import { writeSnapshot } from './writeSnapshot.js';

export interface SnapshotFolderOptions {
  /** The chain's directory; nothing else may run on it. */
  readonly dir: string;
  readonly spec: ChainSpec;
  readonly file: string;
}

export interface SnapshotSummary {
  readonly blockNumber: number;
  readonly blockHash: HexString;
  readonly stateRoot: HexString;
  readonly entries: number;
  readonly chunks: number;
  readonly sizeBytes: number;
}

/** Writes the newest state to a file. Throws `NODE_DIR_LOCKED`, `GENESIS_MISMATCH`, `STATE_CORRUPT`. */
export function exportSnapshot(options: SnapshotFolderOptions): Promise<SnapshotSummary> {
  return withChain(options, async (chain) => summaryOf(await writeSnapshot(chain, options.file)));
}

/**
 * Starts the chain in a new directory from a file. `expectedHash` is the block it must be of, from someone who is
 * trusted: without it the file's own word is taken for which chain history it belongs to.
 * Throws `SNAPSHOT_INVALID`, `SNAPSHOT_FOREIGN`, `SNAPSHOT_UNEXPECTED`, `CHAIN_NOT_EMPTY` and as `exportSnapshot`.
 */
export function importSnapshot(
  options: SnapshotFolderOptions & {
    readonly expectedHash?: HexString;
    /** Hears of every chunk that is read; each is read twice. */
    readonly onChunk?: (done: number, total: number) => void;
  },
): Promise<SnapshotSummary> {
  const { file, expectedHash, onChunk } = options;
  return withChain(options, async (chain) => {
    const snapshot = new SnapshotFile(file);
    try {
      const got = hashHeader(snapshot.manifest.header);
      if (expectedHash !== undefined && got !== expectedHash)
        throw new NodeError(
          { code: 'SNAPSHOT_UNEXPECTED', got, expected: expectedHash },
          `${file} is of block ${got}, not of ${expectedHash}: take a snapshot of that block, or check the hash`,
        );
      const { manifest } = snapshot;
      let read = 0;
      restoreSnapshot(chain, {
        manifest,
        chunk: (index) => {
          onChunk?.(++read, 2 * manifest.chunks.length);
          return snapshot.chunk(index);
        },
      });
      return summaryOf(manifest);
    } finally {
      snapshot.close();
    }
  });
}

async function withChain<T>(
  { dir, spec }: SnapshotFolderOptions,
  action: (chain: Chain) => Promise<T>,
): Promise<T> {
  await Promise.all([initCrypto(), initHasher()]);
  const store = new ChainStore({ dir, keepStates: Number.POSITIVE_INFINITY });
  try {
    const { chain } = openChain(store, parseChainSpec(spec), { dir, signatures: new SignatureDesk() });
    return await action(chain);
  } finally {
    await store.close();
  }
}

function summaryOf({ header, entries, chunks }: SnapshotManifest): SnapshotSummary {
  return {
    blockNumber: header.number,
    blockHash: hashHeader(header),
    stateRoot: header.stateRoot,
    entries,
    chunks: chunks.length,
    sizeBytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

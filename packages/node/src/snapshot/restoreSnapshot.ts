/**
 * @file Makes a snapshot the state of a new chain. Everything is checked before anything is written: the chunks against
 * the manifest by whoever reads them, here the state against the header's state root, and the extrinsics against its
 * extrinsics root. Who trusts the header's hash can trust the rest.
 * Cost: two passes over the chunks, and the trie in memory (as a running node has it anyway).
 */
import { toHex } from '@alice/protocol';
import { type Block, hashHeader } from '../block.js';
import type { Chain } from '../Chain.js';
import { NodeError } from '../errors.js';
import { bytesOfHex } from '../store/bytesOfHex.js';
import { isStorable } from '../store/keys.js';
import { blake2 } from '../trie/blake2.js';
import { orderedRoot } from '../trie/orderedRoot.js';
import { Trie } from '../trie/Trie.js';
import { decodeEntries, decodeList, type StateEntry } from './chunks.js';
import { invalidSnapshot, type SnapshotManifest } from './manifest.js';

export interface SnapshotSource {
  readonly manifest: SnapshotManifest;
  /** A chunk whose hash was checked. */
  chunk(index: number): Uint8Array;
}

/** Twox128("Timestamp") ++ Twox128("Now"): a u64 of milliseconds on every Substrate chain. */
const TIMESTAMP_NOW = bytesOfHex('0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb');

/** Throws `SNAPSHOT_INVALID`, `SNAPSHOT_FOREIGN`, `CHAIN_NOT_EMPTY`; then nothing changed. */
export function restoreSnapshot(chain: Chain, source: SnapshotSource): Block {
  const { manifest } = source;
  requireFits(chain, manifest);
  const extrinsics = [...decodeList(source.chunk(0))];
  if (toHex(orderedRoot(extrinsics)) !== manifest.header.extrinsicsRoot)
    throw invalidSnapshot('its extrinsics are not those of the block');
  const trie = Trie.from(entriesOf(source));
  if (toHex(trie.root()) !== manifest.header.stateRoot)
    throw invalidSnapshot('its state does not have the state root of the block');
  const time = trie.get(TIMESTAMP_NOW);
  if (time?.length !== 8) throw invalidSnapshot('its state holds no time');
  const block: Block = {
    hash: hashHeader(manifest.header),
    header: manifest.header,
    timestampMs: new DataView(time.buffer, time.byteOffset, 8).getBigUint64(0, true),
    extrinsics,
    // Which calls failed is in the block's events; a snapshot's word on it would be nobody's.
    results: extrinsics.map((extrinsic) => ({ hash: toHex(blake2(extrinsic)), error: undefined })),
  };
  chain.restore({ block, trie, entries: entriesOf(source) });
  return block;
}

/** Whether the snapshot is one of this chain, and this chain still has nothing. */
export function requireFits(chain: Chain, { genesisHash, header }: SnapshotManifest): void {
  if (genesisHash !== chain.genesisHash)
    throw new NodeError(
      { code: 'SNAPSHOT_FOREIGN', genesis: genesisHash, expected: chain.genesisHash },
      `the snapshot belongs to another chain (genesis ${genesisHash}, this one is ${chain.genesisHash}): use the specification of that chain`,
    );
  const { number } = chain.head.header;
  if (number !== 0)
    throw new NodeError(
      { code: 'CHAIN_NOT_EMPTY', blockNumber: number },
      `this chain is at block ${number} already: a snapshot can only start a new directory`,
    );
  if (header.number === 0) throw invalidSnapshot('it is of block 0, which needs none');
}

function* entriesOf({ manifest, chunk }: SnapshotSource): IterableIterator<StateEntry> {
  let last: Uint8Array | undefined;
  let count = 0;
  for (let index = 1; index < manifest.chunks.length; index++)
    for (const entry of decodeEntries(chunk(index))) {
      const [key] = entry;
      if (!isStorable(key) || (last && Buffer.compare(last, key) >= 0))
        throw invalidSnapshot('its keys are not in order');
      last = key;
      count++;
      yield entry;
    }
  if (count !== manifest.entries) throw invalidSnapshot(`it has ${count} entries, not ${manifest.entries}`);
}

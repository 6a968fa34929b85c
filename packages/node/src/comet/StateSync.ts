/**
 * @file State sync in the words of ABCI: offers this node's snapshots to others, and takes one from them when this node
 * is new. CometBFT's light client gives the app hash that more than two thirds of the validators signed; it is the hash
 * of the header in the manifest, so state and extrinsics are proven before a byte is written. A chunk that is not what
 * the manifest says is asked for again, from someone else.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, messageOf, toHex } from '@alice/protocol';
import type { AbciRequest, AbciResponse } from '../abci/application.js';
import { type Block, hashHeader } from '../block.js';
import type { Chain } from '../Chain.js';
import { decodeManifest, isChunk, SNAPSHOT_FORMAT, type SnapshotManifest } from '../snapshot/manifest.js';
import { requireFits, restoreSnapshot } from '../snapshot/restoreSnapshot.js';
import type { SnapshotKeeper } from '../snapshot/SnapshotKeeper.js';

export interface StateSyncOptions {
  readonly chain: Chain;
  readonly keeper: SnapshotKeeper;
  /** Where chunks wait until all are there. */
  readonly dir: string;
  readonly log: Logger;
  /** The chain has jumped to this block. */
  onRestored(block: Block): void;
}

/** `ResponseOfferSnapshot.result` and `ResponseApplySnapshotChunk.result`. */
const OFFER = { accept: 1, reject: 3, rejectFormat: 4 } as const;
const APPLY = { accept: 1, retry: 3, rejectSnapshot: 5 } as const;

interface Incoming {
  readonly manifest: SnapshotManifest;
  readonly dir: string;
  readonly missing: Set<number>;
}

export class StateSync {
  readonly #options: StateSyncOptions;
  #incoming: Incoming | undefined;

  constructor(options: StateSyncOptions) {
    this.#options = options;
  }

  listSnapshots(): AbciResponse<'listSnapshots'> {
    const snapshots = this.#options.keeper.files.map(({ manifest, manifestBytes, hash }) => ({
      height: BigInt(manifest.header.number),
      format: manifest.format,
      chunks: manifest.chunks.length,
      hash,
      metadata: manifestBytes,
    }));
    return { snapshots };
  }

  loadSnapshotChunk({
    height,
    format,
    chunk,
  }: AbciRequest<'loadSnapshotChunk'>): AbciResponse<'loadSnapshotChunk'> {
    const file = this.#options.keeper.files.find(({ manifest }) => BigInt(manifest.header.number) === height);
    if (!file || format !== file.manifest.format || chunk >= file.manifest.chunks.length) return {};
    return { chunk: file.chunk(chunk) };
  }

  /** Every offer begins anew, whatever came before it. */
  offerSnapshot({ snapshot, appHash }: AbciRequest<'offerSnapshot'>): AbciResponse<'offerSnapshot'> {
    this.#forget();
    if (snapshot?.format !== SNAPSHOT_FORMAT) return { result: OFFER.rejectFormat };
    try {
      const manifest = decodeManifest(new Uint8Array(snapshot.metadata));
      const isProven =
        hashHeader(manifest.header) === toHex(appHash) &&
        BigInt(manifest.header.number) === snapshot.height &&
        manifest.chunks.length === snapshot.chunks;
      if (!isProven) return { result: OFFER.reject };
      requireFits(this.#options.chain, manifest);
      const dir = mkdtempSync(join(this.#options.dir, 'incoming-'));
      this.#incoming = { manifest, dir, missing: new Set(manifest.chunks.keys()) };
      this.#options.log.info('Taking over a snapshot', {
        number: manifest.header.number,
        chunks: manifest.chunks.length,
      });
      return { result: OFFER.accept };
    } catch (error) {
      this.#options.log.warn('A snapshot is refused', { error: messageOf(error) });
      return { result: OFFER.reject };
    }
  }

  applySnapshotChunk(request: AbciRequest<'applySnapshotChunk'>): AbciResponse<'applySnapshotChunk'> {
    const { index, chunk, sender } = request;
    const incoming = this.#incoming;
    const expected = incoming?.manifest.chunks[index];
    if (!incoming || !expected) return { result: APPLY.rejectSnapshot };
    if (!isChunk(chunk, expected))
      return { result: APPLY.retry, refetchChunks: [index], rejectSenders: sender === '' ? [] : [sender] };
    writeFileSync(fileOf(incoming, index), chunk);
    incoming.missing.delete(index);
    if (incoming.missing.size > 0) return { result: APPLY.accept };
    return this.#finish(incoming);
  }

  close(): void {
    this.#forget();
  }

  #finish(incoming: Incoming): AbciResponse<'applySnapshotChunk'> {
    const { chain, log, onRestored } = this.#options;
    try {
      const block = restoreSnapshot(chain, {
        manifest: incoming.manifest,
        chunk: (index) => new Uint8Array(readFileSync(fileOf(incoming, index))),
      });
      log.info('State taken over', { number: block.header.number, hash: block.hash });
      onRestored(block);
      return { result: APPLY.accept };
    } catch (error) {
      log.warn('A snapshot is refused', { error: messageOf(error) });
      return { result: APPLY.rejectSnapshot };
    } finally {
      this.#forget();
    }
  }

  #forget(): void {
    if (this.#incoming) rmSync(this.#incoming.dir, { recursive: true, force: true });
    this.#incoming = undefined;
  }
}

const fileOf = ({ dir }: Incoming, index: number): string => join(dir, String(index));

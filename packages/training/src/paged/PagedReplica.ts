/**
 * @file A copy of the published model in a file, for models larger than memory: halves in layout order, every page of them
 * hashed, kept up to date as `syncReplica` does it (SPEC WIRE-3). A set-delta is written over what it changes, a snapshot chunk
 * where the file has another; nothing is fetched that is there already, whatever was interrupted and whenever. A version counts
 * once its state root was computed from the file and the file is on the disk. Memory: a few windows and one group of set-deltas.
 */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightSource } from '@alice/model';
import { openHashedHalves } from '@alice/model/node';
import type { HashHex, SetDelta, SnapshotIndex, TensorLayout } from '@alice/protocol';
import { TrainingError } from '../errors.js';
import {
  deltaChain,
  deltasOf,
  isHealedBySnapshot,
  type ReplicaManifest,
  type ReplicaSource,
  requireRoot,
  snapshotOf,
} from '../modelReplica.js';
import { type PageTable, readPageTable, writePageTable } from './pageTable.js';
import { type Rewritten, rewriteHalves } from './rewriteHalves.js';
import { writeSnapshot } from './writeSnapshot.js';

export interface PagedReplicaOptions {
  /** A folder of its own. */
  readonly dir: string;
  readonly layout: TensorLayout;
  readonly networkId: string;
}

/** Set-deltas are applied together up to so many elements: each pass reads and writes the whole file. */
const GROUP_ENTRIES = 2 ** 26;

export class PagedReplica {
  readonly #options: PagedReplicaOptions;
  #table: PageTable;
  #weights: Promise<WeightSource> | undefined;

  /** Takes up what lies in the folder. */
  static async open(options: PagedReplicaOptions): Promise<PagedReplica> {
    const { dir, networkId } = options;
    await mkdir(dir, { recursive: true });
    const table = await readPageTable(tablePath(dir), options);
    return new PagedReplica(options, table ?? { networkId });
  }

  private constructor(options: PagedReplicaOptions, table: PageTable) {
    this.#options = options;
    this.#table = table;
  }

  /** What the file holds; undefined while it is no whole version. */
  get holds(): { readonly version: number; readonly stateRoot: HashHex } | undefined {
    return this.#table.pages && this.#table.of;
  }

  /**
   * Brings the file to `source.latest`. What was read of an older version ends. `fromSnapshot`: looks at every byte, as after
   * damage. Throws `REPLICA_ROOT_MISMATCH`, `REPLICA_UNAVAILABLE`, what the ports throw, and the disk's errors; tried again,
   * it goes on from there.
   */
  async sync(source: ReplicaSource, { fromSnapshot = false } = {}): Promise<void> {
    const { latest } = source;
    const { holds } = this;
    const isThere = holds?.version === latest.version && holds.stateRoot === latest.stateRoot;
    if (isThere && !fromSnapshot) return;
    await this.#closeWeights();
    const from = fromSnapshot ? undefined : this.#table.of;
    const chain = from && (await deltaChain(from, source));
    if (chain) {
      try {
        return await this.#throughDeltas(chain, source);
      } catch (error) {
        if (!isHealedBySnapshot(error) || !latest.snapshot) throw error;
      }
    }
    await this.#throughSnapshot(source);
  }

  /** A version that is known by its chunks alone. Returns the root that its weights have. */
  async take(snapshot: SnapshotIndex, fetchBlob: ReplicaSource['fetchBlob']): Promise<HashHex> {
    await this.#closeWeights();
    await this.#write({ networkId: this.#options.networkId });
    const { layout } = this.#options;
    const { pages, stateRoot } = await this.#withFile((file) =>
      writeSnapshot(file, { layout, snapshot, fetchBlob }),
    );
    await this.#finish({ version: 0, stateRoot }, pages);
    return stateRoot;
  }

  /** The weights, checked page by page as they are read; until the next `sync`. Throws `REPLICA_EMPTY`, `WEIGHTS_FILE`. */
  async weights(): Promise<WeightSource> {
    const { pages, of } = this.#table;
    if (!pages || !of)
      throw new TrainingError(
        { code: 'REPLICA_EMPTY', dir: this.#options.dir },
        `no whole version lies in ${this.#options.dir}: bring it up to date first`,
      );
    const { dir, layout } = this.#options;
    this.#weights ??= openHashedHalves(halvesPath(dir), { layout, hashes: pages });
    return await this.#weights;
  }

  async close(): Promise<void> {
    await this.#closeWeights();
  }

  /** Closes, and removes what lies in the folder. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#options.dir, { recursive: true, force: true });
  }

  async #throughDeltas(chain: readonly ReplicaManifest[], source: ReplicaSource): Promise<void> {
    const { layout } = this.#options;
    let { pages } = this.#table;
    await this.#write({ ...this.#table, pages: undefined });
    await this.#withFile(async (file) => {
      let rewritten: Rewritten | undefined;
      for await (const deltas of grouped(deltasOf(chain, source))) {
        rewritten = await rewriteHalves(file, { layout, deltas, pages });
        ({ pages } = rewritten);
      }
      requireRoot(source.latest, rewritten!.stateRoot);
    });
    await this.#finish(source.latest, pages!);
  }

  async #throughSnapshot(source: ReplicaSource): Promise<void> {
    await this.#write({ networkId: this.#options.networkId });
    const { layout, latest, fetchBlob } = source;
    const snapshot = snapshotOf(latest);
    const { pages, stateRoot } = await this.#withFile((file) =>
      writeSnapshot(file, { layout, snapshot, fetchBlob }),
    );
    requireRoot(source.latest, stateRoot);
    await this.#finish(source.latest, pages);
  }

  async #finish(
    { version, stateRoot }: Pick<ReplicaManifest, 'version' | 'stateRoot'>,
    pages: Uint8Array,
  ): Promise<void> {
    const of = { version, stateRoot: stateRoot as HashHex };
    await this.#write({ networkId: this.#options.networkId, of, pages });
  }

  async #write(table: PageTable): Promise<void> {
    const { dir, layout } = this.#options;
    await writePageTable(tablePath(dir), table, layout);
    this.#table = table;
  }

  /** What was written is on the disk when this returns. */
  async #withFile<T>(work: (file: FileHandle) => Promise<T>): Promise<T> {
    const path = halvesPath(this.#options.dir);
    const file = await open(path, 'r+').catch(() => open(path, 'w+', 0o600));
    try {
      const result = await work(file);
      await file.sync();
      return result;
    } finally {
      await file.close();
    }
  }

  async #closeWeights(): Promise<void> {
    const weights = this.#weights;
    this.#weights = undefined;
    await weights?.then((open) => open.close()).catch(() => undefined);
  }
}

async function* grouped(deltas: AsyncIterable<SetDelta>): AsyncGenerator<SetDelta[]> {
  let group: SetDelta[] = [];
  let entries = 0;
  for await (const delta of deltas) {
    group.push(delta);
    entries += delta.tensors.reduce((sum, { indices }) => sum + indices.length, 0);
    if (entries < GROUP_ENTRIES) continue;
    yield group;
    [group, entries] = [[], 0];
  }
  if (group.length > 0) yield group;
}

const halvesPath = (dir: string): string => join(dir, 'weights.f16');
const tablePath = (dir: string): string => join(dir, 'pages.json');

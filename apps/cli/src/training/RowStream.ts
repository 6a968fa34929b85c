/**
 * @file Training rows in a fixed order that is a pure function of dataset and seed: every row once an epoch, shuffled
 * anew each epoch. Shards are taken in random groups small enough to stay in memory, rows shuffled within a group, so a
 * dataset of any size is read once an epoch. Any position can be asked for: a resumed run goes on where it was.
 */
import { type Dataset, rowCount } from '@alice/data';
import { seededRandom } from '@alice/protocol';

/** As many as the dataset keeps in memory at once, with room to spare. */
const GROUP_SHARDS = 8;

interface Group {
  readonly firstRow: number;
  readonly rows: number;
  /** Shard ids, and how many rows each has. */
  readonly shards: readonly { readonly id: number; readonly rows: number }[];
}

export class RowStream {
  /** Rows of an epoch. */
  readonly rows: number;
  readonly #dataset: Pick<Dataset, 'manifest' | 'shard'>;
  readonly #rowLength: number;
  readonly #seed: string;
  #epoch = -1;
  #groups: readonly Group[] = [];
  #order: { readonly group: Group; readonly places: Uint32Array } | undefined;

  constructor(
    dataset: Pick<Dataset, 'manifest' | 'shard'>,
    { rowLength, seed }: { rowLength: number; seed: string },
  ) {
    this.#dataset = dataset;
    this.#rowLength = rowLength;
    this.#seed = seed;
    this.rows = this.#shards().reduce((sum, shard) => sum + shard.rows, 0);
  }

  /** Rows `from` to `from + count` of the endless stream, (count × rowLength) row-major. */
  async take(from: number, count: number): Promise<Uint16Array> {
    const batch = new Uint16Array(count * this.#rowLength);
    for (let i = 0; i < count; i++) batch.set(await this.#row(from + i), i * this.#rowLength);
    return batch;
  }

  async #row(index: number): Promise<Uint16Array> {
    const epoch = Math.floor(index / this.rows);
    if (epoch !== this.#epoch) this.#startEpoch(epoch);
    const at = index - epoch * this.rows;
    const group = this.#groups.find(({ firstRow, rows }) => at < firstRow + rows)!;
    if (this.#order?.group !== group) this.#order = { group, places: this.#shuffled(epoch, group) };
    let place = this.#order.places[at - group.firstRow]!;
    for (const { id, rows } of group.shards) {
      if (place < rows) {
        const start = place * (this.#rowLength - 1);
        return (await this.#dataset.shard(id)).subarray(start, start + this.#rowLength);
      }
      place -= rows;
    }
    throw new Error('cannot happen: the place lies in one of the shards');
  }

  #shards(): Group['shards'] {
    return this.#dataset.manifest.shards
      .filter(({ split }) => split === 'train')
      .map(({ id, tokens }) => ({ id, rows: rowCount(tokens, this.#rowLength) }));
  }

  #startEpoch(epoch: number): void {
    const shards = this.#shards();
    const order = shuffledIndices(shards.length, JSON.stringify(['shards', this.#seed, epoch]));
    const groups: Group[] = [];
    let firstRow = 0;
    for (let at = 0; at < order.length; at += GROUP_SHARDS) {
      const members = Array.from(order.subarray(at, at + GROUP_SHARDS), (i) => shards[i]!);
      const rows = members.reduce((sum, shard) => sum + shard.rows, 0);
      groups.push({ firstRow, rows, shards: members });
      firstRow += rows;
    }
    this.#epoch = epoch;
    this.#groups = groups;
    this.#order = undefined;
  }

  #shuffled(epoch: number, { firstRow, rows }: Group): Uint32Array {
    return shuffledIndices(rows, JSON.stringify(['rows', this.#seed, epoch, firstRow]));
  }
}

/** 0 … count − 1 in random order (Fisher–Yates). */
function shuffledIndices(count: number, seed: string): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const random = seededRandom(seed);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

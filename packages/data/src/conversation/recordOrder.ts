/** @file The records of a split in random order: shards in random order, records shuffled within a window of few shards. */
import type { Random } from '@alice/protocol';
import type { ConversationManifest, ConversationSplit } from './conversationManifest.js';

/** Shards whose records are mixed; as many as a reader keeps in memory. */
const WINDOW_SHARDS = 8;

export interface RecordPlace {
  /** Index into the manifest's shards. */
  readonly shard: number;
  readonly record: number;
}

/** Each record of the split exactly once. Cost: memory of one place for each record of eight shards. */
export function* recordOrder(
  { shards }: Pick<ConversationManifest, 'shards'>,
  split: ConversationSplit,
  random: Random,
): Generator<RecordPlace> {
  const order = shards.flatMap((info, shard) => (info.split === split ? [shard] : []));
  shuffle(order, random);
  for (let first = 0; first < order.length; first += WINDOW_SHARDS) {
    const places = order
      .slice(first, first + WINDOW_SHARDS)
      .flatMap((shard) => Array.from({ length: shards[shard]!.records }, (_, record) => ({ shard, record })));
    shuffle(places, random);
    yield* places;
  }
}

/** Fisher–Yates, in place. */
function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

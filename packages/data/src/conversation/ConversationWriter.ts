/** @file Fills the shards of one split with records and writes each atomically as soon as it holds enough tokens. */
import { join } from 'node:path';
import { hashBytes } from '../hashBytes.js';
import { writeFileAtomically } from '../writeFileAtomically.js';
import {
  type ConversationShardInfo,
  type ConversationSplit,
  conversationShardName,
} from './conversationManifest.js';
import {
  type ConversationKind,
  type ConversationRecord,
  encodeConversationShard,
  learnedTokens,
  partsOf,
} from './conversationShard.js';

export class ConversationWriter {
  readonly shards: ConversationShardInfo[] = [];
  readonly #options: {
    outDir: string;
    kind: ConversationKind;
    split: ConversationSplit;
    shardTokens: number;
  };
  #records: ConversationRecord[] = [];
  #tokens = 0;

  constructor(options: {
    outDir: string;
    kind: ConversationKind;
    split: ConversationSplit;
    shardTokens: number;
  }) {
    this.#options = options;
  }

  /** Records are never cut: a shard ends after the one that fills it. */
  async append(record: ConversationRecord): Promise<void> {
    this.#records.push(record);
    this.#tokens += partsOf(record).reduce((sum, part) => sum + part.length, 0);
    if (this.#tokens >= this.#options.shardTokens) await this.finish();
  }

  /** Ends the current shard, if it holds anything. */
  async finish(): Promise<void> {
    if (this.#records.length === 0) return;
    const { kind, split, outDir } = this.#options;
    const bytes = encodeConversationShard(kind, this.#records);
    const info: ConversationShardInfo = {
      split,
      number: this.shards.length,
      records: this.#records.length,
      tokens: this.#tokens,
      learned: this.#records.reduce((sum, record) => sum + learnedTokens(record), 0),
      bytes: bytes.length,
      sha256: hashBytes(bytes),
    };
    await writeFileAtomically(join(outDir, conversationShardName(info)), bytes);
    this.shards.push(info);
    this.#records = [];
    this.#tokens = 0;
  }
}

/**
 * @file Keeps blocks pinned in the translator for as long as it needs them itself. A client may unpin any block at any
 * time; the translator, however, loses its place in the chain when the newest finalized block or one after it goes, and
 * then ends the subscription. So such an unpin is noted, holds for the client at once, and reaches the translator when a
 * later block is final. One per follow subscription.
 */
export interface FollowEvent {
  readonly event?: string;
  readonly blockHash?: string;
  readonly finalizedBlockHashes?: readonly string[];
  readonly prunedBlockHashes?: readonly string[];
}

export class HeldPins {
  /** The newest finalized block and everything reported after it. */
  readonly #live = new Set<string>();
  /** Unpinned by the client, still pinned in the translator. */
  readonly #held = new Set<string>();

  /** Takes note of an event; answers which blocks the translator can now be told to unpin. */
  onEvent({ event, blockHash, finalizedBlockHashes = [], prunedBlockHashes = [] }: FollowEvent): string[] {
    if (event === 'newBlock' && blockHash !== undefined) this.#live.add(blockHash);
    const newest = finalizedBlockHashes.at(-1);
    if (newest === undefined) return [];
    const before = event === 'finalized' ? [...this.#live] : [];
    this.#live.add(newest);
    // Without forks everything reported up to the newest final block is older than it.
    const reached = before.indexOf(newest);
    const older = [...before.slice(0, Math.max(0, reached)), ...finalizedBlockHashes, ...prunedBlockHashes];
    const due: string[] = [];
    for (const hash of new Set(older)) {
      if (hash === newest) continue;
      this.#live.delete(hash);
      if (this.#held.delete(hash)) due.push(hash);
    }
    return due;
  }

  /** The client unpins; answers what the translator can be told at once. */
  release(hashes: readonly string[]): string[] {
    const held = hashes.filter((hash) => this.#live.has(hash));
    for (const hash of held) this.#held.add(hash);
    return hashes.filter((hash) => !this.#live.has(hash));
  }

  /** Whether the client has unpinned it although the translator still has it. */
  isHeld(hash: unknown): boolean {
    return typeof hash === 'string' && this.#held.has(hash);
  }
}

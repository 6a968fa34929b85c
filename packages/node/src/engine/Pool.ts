/**
 * @file Transactions waiting for a block. Per signer they form a chain by nonce: those that follow the account's nonce
 * without a gap are ready, the rest wait. Blocks take ready ones by priority, then by arrival. It checks limits and
 * order only; whether a transaction is valid is the runtime's word, given before `add`.
 * Limits: count and bytes in all, count per signer, and a quarter of the count for transactions that still wait.
 */
import type { HexString } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';
import { PriorityHeap } from './PriorityHeap.js';

export interface PoolLimits {
  readonly count: number;
  readonly bytes: number;
  readonly perSigner: number;
}

export const defaultPoolLimits: PoolLimits = { count: 16_384, bytes: 20 * 2 ** 20, perSigner: 1024 };

/** One newcomer pushes out this many at most; finding each costs a walk over the pool. */
const MOST_EVICTIONS = 32;

export interface PoolEntry {
  readonly hash: HexString;
  readonly extrinsic: Uint8Array;
  readonly signer: HexString;
  readonly nonce: number;
  readonly priority: bigint;
  /** The entry leaves the pool once this block is reached. */
  readonly expiresAt: number;
}

interface Queued extends PoolEntry {
  readonly arrival: number;
}

/** One signer's transactions, by nonce. */
interface SignerQueue {
  accountNonce: number;
  /** The first nonce from `accountNonce` on that is missing; kept, because counting it costs as much as it is long. */
  next: number;
  readonly byNonce: Map<number, Queued>;
}

export class Pool {
  readonly #limits: PoolLimits;
  readonly #byHash = new Map<HexString, Queued>();
  readonly #signers = new Map<HexString, SignerQueue>();
  #bytes = 0;
  #arrivals = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#byHash.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(hash: HexString): boolean {
    return this.#byHash.has(hash);
  }

  at(signer: HexString, nonce: number): PoolEntry | undefined {
    return this.#signers.get(signer)?.byNonce.get(nonce);
  }

  /** In order of arrival. */
  entries(): readonly PoolEntry[] {
    return [...this.#byHash.values()];
  }

  /** The first nonce after the account's that the pool does not hold. */
  nextNonce(signer: HexString, accountNonce: number): number {
    const queue = this.#signers.get(signer);
    if (queue?.accountNonce === accountNonce) return queue.next;
    return queue ? firstMissing(queue, accountNonce) : accountNonce;
  }

  /** Whoever has something here. */
  signers(): readonly HexString[] {
    return [...this.#signers.keys()];
  }

  /**
   * Adds an entry whose signer's account is at `accountNonce`; returns the entries that had to go for it, the one it
   * replaces first. Throws `RPC_REFUSED` 1013 (already here), 1014 (does not outbid), 1016 (no room).
   */
  add(entry: PoolEntry, accountNonce: number): readonly PoolEntry[] {
    if (this.has(entry.hash))
      throw rpcError(RPC_CODE.alreadyImported, 'Transaction Already Imported', entry.hash);
    const queue = this.#signers.get(entry.signer);
    const rival = queue?.byNonce.get(entry.nonce);
    if (rival && entry.priority <= rival.priority)
      throw rpcError(
        RPC_CODE.tooLowPriority,
        `Priority is too low: (${rival.priority} vs ${entry.priority})`,
        'The transaction has too low priority to replace another transaction already in the pool.',
      );
    const leaving = rival ? this.#roomInstead(rival, entry) : this.#roomFor(entry, accountNonce);
    for (const gone of leaving) this.remove(gone.hash);
    this.#insert(entry, accountNonce);
    return leaving;
  }

  remove(hash: HexString): PoolEntry | undefined {
    const entry = this.#byHash.get(hash);
    if (!entry) return undefined;
    this.#byHash.delete(hash);
    this.#bytes -= entry.extrinsic.length;
    const queue = this.#signers.get(entry.signer)!;
    queue.byNonce.delete(entry.nonce);
    if (entry.nonce >= queue.accountNonce && entry.nonce < queue.next) queue.next = entry.nonce;
    if (queue.byNonce.size === 0) this.#signers.delete(entry.signer);
    return entry;
  }

  /** What the next block should try, best first; a signer's nonces stay in order. Nothing is removed. */
  select(limit: { readonly count: number; readonly bytes: number }): PoolEntry[] {
    const heads = new PriorityHeap<Queued>(
      (a, b) => a.priority > b.priority || (a.priority === b.priority && a.arrival < b.arrival),
    );
    for (const queue of this.#signers.values()) pushIf(heads, queue.byNonce.get(queue.accountNonce));
    const chosen: PoolEntry[] = [];
    let bytes = 0;
    for (let entry = heads.pop(); entry && chosen.length < limit.count; entry = heads.pop()) {
      // Too big for what is left: its successors cannot come either, but other signers' can.
      if (bytes + entry.extrinsic.length > limit.bytes) continue;
      bytes += entry.extrinsic.length;
      chosen.push(entry);
      pushIf(heads, this.#signers.get(entry.signer)?.byNonce.get(entry.nonce + 1));
    }
    return chosen;
  }

  /** Takes over an account's new nonce; returns the removed entries, whose nonces are used up. */
  advance(signer: HexString, accountNonce: number): readonly PoolEntry[] {
    const queue = this.#signers.get(signer);
    if (!queue) return [];
    moveTo(queue, accountNonce);
    const stale = [...queue.byNonce.values()].filter((entry) => entry.nonce < accountNonce);
    for (const entry of stale) this.remove(entry.hash);
    return stale;
  }

  /** Removes and returns what is too old for `blockNumber`. */
  expire(blockNumber: number): readonly PoolEntry[] {
    const old = [...this.#byHash.values()].filter((entry) => entry.expiresAt <= blockNumber);
    for (const entry of old) this.remove(entry.hash);
    return old;
  }

  #insert(entry: PoolEntry, accountNonce: number): void {
    const queued: Queued = { ...entry, arrival: this.#arrivals++ };
    let queue = this.#signers.get(entry.signer);
    if (!queue) {
      queue = { accountNonce, next: accountNonce, byNonce: new Map() };
      this.#signers.set(entry.signer, queue);
    }
    moveTo(queue, accountNonce);
    queue.byNonce.set(entry.nonce, queued);
    if (entry.nonce === queue.next) queue.next = firstMissing(queue, queue.next);
    this.#byHash.set(entry.hash, queued);
    this.#bytes += entry.extrinsic.length;
  }

  #roomInstead(rival: PoolEntry, entry: PoolEntry): PoolEntry[] {
    const bytes = this.#bytes - rival.extrinsic.length + entry.extrinsic.length;
    if (bytes > this.#limits.bytes) throw noRoom();
    return [rival];
  }

  /** Which entries must go so that this one fits. Throws 1016 when it is not worth more than they are. */
  #roomFor(entry: PoolEntry, accountNonce: number): PoolEntry[] {
    const { count, bytes, perSigner } = this.#limits;
    const isWaiting = entry.nonce > this.nextNonce(entry.signer, accountNonce);
    const own = this.#signers.get(entry.signer)?.byNonce.size ?? 0;
    if (own >= perSigner || entry.extrinsic.length > bytes) throw noRoom();
    if (isWaiting && this.#waitingCount() >= count / 4) throw noRoom();
    const leaving: PoolEntry[] = [];
    let freed = 0;
    while (this.count - leaving.length >= count || this.#bytes - freed + entry.extrinsic.length > bytes) {
      const victim = isWaiting ? undefined : this.#cheapestTail(leaving, entry.signer);
      if (!victim || victim.priority >= entry.priority || leaving.length >= MOST_EVICTIONS) throw noRoom();
      leaving.push(victim);
      freed += victim.extrinsic.length;
    }
    return leaving;
  }

  /** The last transaction of some other signer with the lowest priority, latest first among equals. */
  #cheapestTail(except: readonly PoolEntry[], signer: HexString): PoolEntry | undefined {
    const gone = new Set(except.map((entry) => entry.hash));
    let cheapest: Queued | undefined;
    for (const [owner, queue] of this.#signers) {
      if (owner === signer) continue;
      const left = [...queue.byNonce.values()].filter((entry) => !gone.has(entry.hash));
      const tail = left.reduce<Queued | undefined>(
        (last, e) => (last && last.nonce > e.nonce ? last : e),
        undefined,
      );
      if (!tail || (cheapest && !isCheaper(tail, cheapest))) continue;
      cheapest = tail;
    }
    return cheapest;
  }

  #waitingCount(): number {
    let waiting = 0;
    for (const [signer, queue] of this.#signers) {
      const ready = this.nextNonce(signer, queue.accountNonce) - queue.accountNonce;
      waiting += queue.byNonce.size - ready;
    }
    return waiting;
  }
}

function firstMissing({ byNonce }: SignerQueue, from: number): number {
  let nonce = from;
  while (byNonce.has(nonce)) nonce++;
  return nonce;
}

function moveTo(queue: SignerQueue, accountNonce: number): void {
  if (queue.accountNonce === accountNonce) return;
  queue.accountNonce = accountNonce;
  queue.next = Math.max(queue.next, accountNonce);
  // A gap before the account's nonce is no gap any more.
  queue.next = firstMissing(queue, queue.next);
}

function isCheaper(a: Queued, b: Queued): boolean {
  return a.priority < b.priority || (a.priority === b.priority && a.arrival > b.arrival);
}

function pushIf(heap: PriorityHeap<Queued>, entry: Queued | undefined): void {
  if (entry) heap.push(entry);
}

function noRoom(): Error {
  return rpcError(
    RPC_CODE.immediatelyDropped,
    'Immediately Dropped',
    "The transaction couldn't enter the pool because of the limit",
  );
}

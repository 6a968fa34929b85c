/**
 * @file The way of a transaction before its block, the same for every engine: checks, pool, what watchers hear, and
 * what is remembered of those that left. Which block comes next is the engine's business; whether a transaction is
 * valid is the runtime's word.
 */
import { type HexString, type Logger, toHex } from '@alice/protocol';
import type { BlockOutput, InvalidReason, Runtime, Validity } from '@alice/runtime';
import type { Block } from '../block.js';
import type { Chain } from '../Chain.js';
import { RPC_CODE, rpcError } from '../errors.js';
import type { SignatureDesk } from '../signatures/SignatureDesk.js';
import { bytesOfHex } from '../store/bytesOfHex.js';
import { blake2 } from '../trie/blake2.js';
import { BoundedMap } from './BoundedMap.js';
import type { ExtrinsicEvent, ExtrinsicStatus, Unsubscribe } from './interface.js';
import { invalidTransaction } from './invalidTransaction.js';
import { Pool, type PoolEntry, type PoolLimits } from './Pool.js';
import { Watchers } from './Watchers.js';

export interface TransactionDeskOptions {
  readonly chain: Chain;
  readonly runtime: Runtime;
  readonly signatures: SignatureDesk;
  readonly log: Logger;
  readonly poolLimits: PoolLimits;
  /** Bytes of the largest transaction that fits a block. */
  readonly mostBytes: number;
}

/** No transaction stays in the pool for more blocks than this, whatever its own life time. */
const POOL_LIFETIME_BLOCKS = 1200;
const REMEMBERED_DROPS = 4096;
/** These may fit a later block; everything else that a block refuses leaves the pool. */
const KEPT_REASONS: ReadonlySet<InvalidReason> = new Set(['Future', 'ExhaustsResources']);

type Valid = Validity & { readonly valid: true };

export class TransactionDesk {
  readonly #options: TransactionDeskOptions;
  readonly #pool: Pool;
  readonly #watchers: Watchers;
  readonly #dropped = new BoundedMap<HexString, string>(REMEMBERED_DROPS);
  readonly #banned = new BoundedMap<HexString, true>(REMEMBERED_DROPS);
  /** Hashes whose signatures are being checked at this moment. */
  readonly #checking = new Set<HexString>();

  constructor(options: TransactionDeskOptions) {
    this.#options = options;
    this.#pool = new Pool(options.poolLimits);
    this.#watchers = new Watchers(options.log);
  }

  get pool(): Pool {
    return this.#pool;
  }

  /** Checks an extrinsic and puts it into the pool. Rejects with `RPC_REFUSED`. */
  async submit(extrinsic: Uint8Array): Promise<HexString> {
    const hash = toHex(blake2(extrinsic));
    if (this.#banned.get(hash))
      throw rpcError(RPC_CODE.temporarilyBanned, 'Transaction is temporarily banned', hash);
    if (this.#pool.has(hash) || this.#checking.has(hash))
      throw rpcError(RPC_CODE.alreadyImported, 'Transaction Already Imported', hash);
    if (extrinsic.length > this.#options.mostBytes) throw invalidTransaction('ExhaustsResources');
    const { chain, signatures } = this.#options;
    const head = chain.head;
    const { value: validity, claims } = signatures.collect(() => this.#validated(extrinsic));
    if (claims.length === 0) return this.#enqueue(extrinsic, hash, validity);
    this.#checking.add(hash);
    try {
      if (!(await signatures.confirm(claims))) throw invalidTransaction('BadProof');
    } finally {
      this.#checking.delete(hash);
    }
    // A block that came in between may have used the nonce up.
    return this.#enqueue(extrinsic, hash, chain.head === head ? validity : this.#validated(extrinsic));
  }

  pending(): readonly Uint8Array[] {
    return this.#pool.entries().map((entry) => entry.extrinsic);
  }

  nextNonce(account: Uint8Array): number {
    return this.#pool.nextNonce(toHex(account), this.#accountNonce(account));
  }

  statusOf(hash: HexString): ExtrinsicStatus {
    if (this.#pool.has(hash)) return { status: 'pool' };
    const { chain } = this.#options;
    const place = chain.extrinsic(hash);
    const block = place && chain.blockByNumber(place.blockNumber);
    if (!place || !block) {
      const reason = this.#dropped.get(hash);
      return reason === undefined ? { status: 'unknown' } : { status: 'dropped', reason };
    }
    const error = block.results[place.index]?.error;
    const included = { status: 'included', blockHash: block.hash, blockNumber: place.blockNumber } as const;
    return error === undefined ? included : { ...included, error };
  }

  watch(hash: HexString, listener: (event: ExtrinsicEvent) => void): Unsubscribe {
    return this.#watchers.watch(hash, listener);
  }

  tell(block: Block, kind: 'inBlock' | 'finalized'): void {
    for (const { hash } of block.results) this.#watchers.tell(hash, { kind, blockHash: block.hash });
  }

  /**
   * Takes out of the pool what a committed block contains, refused or made impossible. `inherents` of its extrinsics
   * are the block's own.
   */
  settle(block: Block, { dropped, results }: Pick<BlockOutput, 'dropped' | 'results'>, inherents = 1): void {
    const signers = new Set<HexString>();
    let known = inherents; // those never were in the pool
    for (const { hash } of results) {
      const entry = this.#pool.remove(hash);
      if (entry) signers.add(entry.signer);
      if (entry) known++;
    }
    // Another node's transactions may have used nonces that wait here.
    if (known < results.length) for (const signer of this.#pool.signers()) signers.add(signer);
    for (const { hash, reason } of dropped) {
      if (KEPT_REASONS.has(reason)) continue;
      const entry = this.#pool.remove(hash);
      if (!entry) continue;
      signers.add(entry.signer);
      this.#leave(entry, { kind: 'invalid', reason }, reason);
    }
    for (const signer of signers)
      for (const stale of this.#pool.advance(signer, this.#accountNonce(bytesOfHex(signer))))
        this.#leave(stale, { kind: 'invalid', reason: 'Stale' }, 'Stale');
    for (const old of this.#pool.expire(block.header.number))
      this.#leave(old, { kind: 'dropped' }, 'Expired');
  }

  /** Keeps out for good a transaction on which the runtime itself failed. */
  ban(entry: PoolEntry): void {
    this.#pool.remove(entry.hash);
    this.#banned.set(entry.hash, true);
    this.#leave(entry, { kind: 'invalid', reason: 'Call' }, 'RuntimeFault');
    this.#options.log.error('The runtime failed on a transaction, which is banned', { hash: entry.hash });
  }

  #validated(extrinsic: Uint8Array): Valid {
    const validity = this.#options.runtime.validate(this.#options.chain.headState, extrinsic);
    if (!validity.valid) throw invalidTransaction(validity.reason);
    return validity;
  }

  #enqueue(extrinsic: Uint8Array, hash: HexString, validity: Valid): HexString {
    const signer = toHex(validity.signer);
    const { nonce, priority, longevity } = validity;
    // A transaction that requires none before it has the account's own nonce.
    const accountNonce = validity.requires.length === 0 ? nonce : this.#accountNonce(validity.signer);
    const lifetime = longevity < BigInt(POOL_LIFETIME_BLOCKS) ? Number(longevity) : POOL_LIFETIME_BLOCKS;
    const expiresAt = this.#options.chain.head.header.number + Math.max(1, lifetime);
    const wasNext = this.#pool.nextNonce(signer, accountNonce);
    const leaving = this.#pool.add({ hash, extrinsic, signer, nonce, priority, expiresAt }, accountNonce);
    this.#dropped.delete(hash);
    for (const gone of leaving) {
      const usurped = gone.signer === signer && gone.nonce === nonce;
      this.#leave(
        gone,
        usurped ? { kind: 'usurped', by: hash } : { kind: 'dropped' },
        usurped ? 'Usurped' : 'PoolFull',
      );
    }
    const isNext = this.#pool.nextNonce(signer, accountNonce);
    this.#watchers.tell(hash, { kind: nonce < isNext ? 'ready' : 'future' });
    // Filling a gap makes the ones that waited behind it ready too.
    for (let next = Math.max(wasNext, nonce + 1); next < isNext; next++)
      this.#watchers.tell(this.#pool.at(signer, next)!.hash, { kind: 'ready' });
    return hash;
  }

  #leave(entry: PoolEntry, event: ExtrinsicEvent, reason: string): void {
    this.#dropped.set(entry.hash, reason);
    this.#watchers.tell(entry.hash, event);
  }

  #accountNonce(account: Uint8Array): number {
    const { runtime, chain } = this.#options;
    const answer = runtime.call(chain.headState, 'AccountNonceApi_account_nonce', account);
    if (answer?.length !== 4)
      throw new Error('cannot happen: every runtime answers AccountNonceApi with a u32');
    return new DataView(answer.buffer, answer.byteOffset, 4).getUint32(0, true);
  }
}

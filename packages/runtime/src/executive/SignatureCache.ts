/**
 * @file Remembers which signatures were found good, because a transaction is checked in the pool and again in its
 * block. Checking is a pure function of its inputs, so remembering cannot change a result (CHAIN-5). Bounded.
 */
import { toHex, verifySignature } from '@alice/protocol';
import { blake2b256 } from '../storage/hashing.js';

const MAX_ENTRIES = 16_384;

export class SignatureCache {
  readonly #good = new Set<string>();

  readonly verify: typeof verifySignature = (message, signature, publicKey) => {
    const key = `${toHex(blake2b256(message))}${toHex(signature)}${toHex(publicKey)}`;
    if (this.#good.has(key)) return true;
    const good = verifySignature(message, signature, publicKey);
    if (good) this.#remember(key);
    return good;
  };

  #remember(key: string): void {
    if (this.#good.size >= MAX_ENTRIES) {
      const oldest = this.#good.values().next().value;
      if (oldest !== undefined) this.#good.delete(oldest);
    }
    this.#good.add(key);
  }
}

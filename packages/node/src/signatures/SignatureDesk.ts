/**
 * @file Where all signature checks of a node go. The runtime asks `verify` synchronously; an engine that can wait runs
 * the runtime inside `collect`, which takes every unknown signature for good and notes it, then has the notes checked
 * in worker threads by `confirm`. Signatures found good are remembered, so a transaction is checked once in its life.
 * Checking is a pure function of its inputs: remembering or moving it to another thread cannot change a result.
 */
import { equalBytes, verifySignature } from '@alice/protocol';
import type { SignatureClaim } from './claim.js';
import type { SignatureWorkers } from './SignatureWorkers.js';

/** Good signatures remembered; twice the pool, so that nothing in it is checked again. */
const REMEMBERED = 32_768;
/** So few per turn of the event loop are checked sooner in place than sent to another thread and awaited. */
const CHECKED_IN_PLACE = 2;

export class SignatureDesk {
  readonly #workers: SignatureWorkers | undefined;
  readonly #good = new Map<string, SignatureClaim>();
  #notes: SignatureClaim[] | undefined;
  #thisTurn = 0;

  /** Without workers everything is checked in place. */
  constructor(workers?: SignatureWorkers) {
    this.#workers = workers;
  }

  /** What the runtime calls. */
  readonly verify = (message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean => {
    const claim = { message, signature, publicKey };
    if (this.#isKnown(claim)) return true;
    if (this.#notes) {
      this.#notes.push(claim);
      return true;
    }
    const isGood = verifySignature(message, signature, publicKey);
    if (isGood) this.#remember(claim);
    return isGood;
  };

  /** Runs `action`, taking unknown signatures for good; what it returns holds only once `confirm(claims)` does. */
  collect<T>(action: () => T): { readonly value: T; readonly claims: readonly SignatureClaim[] } {
    if (!this.#workers) return { value: action(), claims: [] };
    const outer = this.#notes;
    const claims: SignatureClaim[] = [];
    this.#notes = claims;
    try {
      return { value: action(), claims };
    } finally {
      this.#notes = outer;
    }
  }

  /** Whether all claims are true; those that are will not be checked again. */
  async confirm(claims: readonly SignatureClaim[]): Promise<boolean> {
    if (claims.length === 0) return true;
    const workers = this.#workers;
    if (!workers || (workers.isIdle && this.#areFew(claims.length))) return this.#confirmHere(claims);
    const answers = await Promise.all(claims.map((claim) => workers.check(claim)));
    answers.forEach((isGood, i) => {
      if (isGood) this.#remember(claims[i]!);
    });
    return answers.every((isGood) => isGood);
  }

  /** Counts what came in this turn: a batch of transactions is confirmed one by one, but belongs in the threads. */
  #areFew(count: number): boolean {
    if (this.#thisTurn === 0)
      setImmediate(() => {
        this.#thisTurn = 0;
      });
    this.#thisTurn += count;
    return this.#thisTurn <= CHECKED_IN_PLACE;
  }

  #confirmHere(claims: readonly SignatureClaim[]): boolean {
    return claims.every(({ message, signature, publicKey }) => this.verify(message, signature, publicKey));
  }

  #isKnown(claim: SignatureClaim): boolean {
    const known = this.#good.get(keyOf(claim));
    return (
      known !== undefined &&
      equalBytes(known.message, claim.message) &&
      equalBytes(known.publicKey, claim.publicKey)
    );
  }

  #remember(claim: SignatureClaim): void {
    if (this.#good.size >= REMEMBERED) this.#good.delete(this.#good.keys().next().value as string);
    this.#good.set(keyOf(claim), claim);
  }
}

/** The signature as a string of its bytes: enough to find the claim, which is then compared in full. */
function keyOf({ signature }: SignatureClaim): string {
  return Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString('latin1');
}

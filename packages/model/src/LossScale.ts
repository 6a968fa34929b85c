/**
 * @file By how much a loss is scaled up before it is differentiated in FP16, so that small gradients do not vanish
 * (Micikevicius et al. 2018, arXiv:1710.03740, section 3.2): halved when a gradient overflows, doubled after a long run
 * that did not. Holds the number alone; who computes asks it.
 */

const FIRST = 2 ** 15;
const HIGHEST = 2 ** 24;
/** A gradient that overflows without any scaling is the model's own: no smaller scale would help. */
const LOWEST = 1;
/** Finite runs after which a larger scale is tried. */
const PATIENCE = 1_000;

export class LossScale {
  #value: number;
  #finiteRuns = 0;

  constructor(first = FIRST) {
    this.#value = first;
  }

  /** A power of two, so that scaling itself never rounds. */
  get value(): number {
    return this.#value;
  }

  /** Tells how a run went; true: it overflowed and is worth repeating at the smaller scale that now holds. */
  shouldRepeat(finite: boolean): boolean {
    if (finite) {
      if (++this.#finiteRuns < PATIENCE || this.#value >= HIGHEST) return false;
      this.#value *= 2;
      this.#finiteRuns = 0;
      return false;
    }
    this.#finiteRuns = 0;
    if (this.#value <= LOWEST) return false;
    this.#value /= 2;
    return true;
  }
}

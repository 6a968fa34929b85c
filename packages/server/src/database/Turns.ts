/**
 * @file One after another, in the order asked; what is urgent goes first, but not twice in a row before something that
 * waits, so that nothing waits for ever.
 */

export class Turns {
  readonly #urgent: (() => Promise<void>)[] = [];
  readonly #others: (() => Promise<void>)[] = [];
  #isTaken = false;

  /** The result of `work`, which runs when its turn has come. */
  take<T>(work: () => Promise<T>, isUrgent: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      (isUrgent ? this.#urgent : this.#others).push(() => work().then(resolve, reject));
      if (!this.#isTaken) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isTaken = true;
    let wasUrgent = false;
    for (;;) {
      const isUrgent: boolean = this.#urgent.length > 0 && !(wasUrgent && this.#others.length > 0);
      const next = (isUrgent ? this.#urgent : this.#others).shift();
      if (!next) break;
      wasUrgent = isUrgent;
      await next();
    }
    this.#isTaken = false;
  }
}

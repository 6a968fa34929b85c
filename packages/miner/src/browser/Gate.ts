/**
 * @file Where a miner in a browser waits while it is paused. Passing the gate also gives the thread's other work a turn,
 * so that messages from the page are heard between two steps of training.
 */

export class Gate {
  #waiting: (() => void)[] | undefined;

  get isClosed(): boolean {
    return this.#waiting !== undefined;
  }

  close(): void {
    this.#waiting ??= [];
  }

  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const go of waiting) go();
  }

  /** Resolves when the gate is open. */
  async pass(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    while (this.#waiting !== undefined) await new Promise<void>((go) => this.#waiting?.push(go));
  }
}

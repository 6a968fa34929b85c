/** @file So many bytes may be held at once, whoever holds them; who asks for more waits in turn. */

export interface ByteBudget {
  readonly heldBytes: number;
  /** The most that was ever held. */
  readonly peakBytes: number;
  /** Resolves when there is room. More than the whole budget is let through alone. */
  take(bytes: number): Promise<void>;
  give(bytes: number): void;
}

export function createByteBudget(limitBytes: number): ByteBudget {
  let heldBytes = 0;
  let peakBytes = 0;
  const waiting: { readonly bytes: number; readonly admit: () => void }[] = [];
  const fits = (bytes: number): boolean => heldBytes === 0 || heldBytes + bytes <= limitBytes;
  const hold = (bytes: number): void => {
    heldBytes += bytes;
    peakBytes = Math.max(peakBytes, heldBytes);
  };
  return {
    get heldBytes() {
      return heldBytes;
    },
    get peakBytes() {
      return peakBytes;
    },
    async take(bytes) {
      if (waiting.length === 0 && fits(bytes)) return hold(bytes);
      await new Promise<void>((admit) => waiting.push({ bytes, admit }));
    },
    give(bytes) {
      heldBytes -= bytes;
      while (waiting.length > 0 && fits(waiting[0]!.bytes)) {
        const { bytes: next, admit } = waiting.shift()!;
        hold(next);
        admit();
      }
    },
  };
}

/**
 * @file Near-duplicates across splits, looked for in the finished shards: each document's text is made again from its tokens,
 * signed, and compared with held-out documents that share a band. More pairs are compared than a build does, so a few
 * may be found where the build looked as it should; how many is what the figure is for.
 */
import type { Split } from '../manifest.js';
import { documentSignature, equalValues, SIGNATURE_BYTES } from '../near/documentSignature.js';
import { BANDS, bandKey, EQUAL_VALUES, isUnsigned } from '../near/findNearDuplicates.js';
import type { Dataset } from '../openDataset.js';
import { splitDocuments } from './splitDocuments.js';

export interface NearSplitReport {
  /** Documents of validation and audit that are long enough to be compared. */
  readonly heldOut: number;
  /** Documents near to a held-out one of another split. */
  readonly near: number;
  /** The first ten, with where they begin. */
  readonly examples: readonly { readonly shard: number; readonly position: number; readonly split: Split }[];
}

const MOST_COMPARED = 64;
const MOST_EXAMPLES = 10;

/** Cost: all shards are read and decoded; memory: about 2 KB a held-out document. */
export async function verifyNearSplits(
  dataset: Pick<Dataset, 'manifest' | 'shard'>,
  { decode }: { decode(tokens: Uint16Array): string },
): Promise<NearSplitReport> {
  const held = new HeldOut();
  const examples: { shard: number; position: number; split: Split }[] = [];
  let near = 0;
  for (const split of ['audit', 'validation', 'train'] as const)
    for await (const { tokens, shard, position } of splitDocuments(dataset, split)) {
      const signature = new Uint8Array(SIGNATURE_BYTES);
      documentSignature(decode(tokens), signature);
      if (isUnsigned(signature)) continue;
      if (held.hasNear(signature, split) && ++near <= MOST_EXAMPLES)
        examples.push({ shard, position, split });
      if (split !== 'train') held.add(signature, split);
    }
  return { heldOut: held.count, near, examples };
}

/** Signatures of held-out documents, found by band. */
class HeldOut {
  readonly #signatures: Uint8Array[] = [];
  readonly #splits: Split[] = [];
  readonly #bands = new Map<number, number[]>();

  get count(): number {
    return this.#signatures.length;
  }

  add(signature: Uint8Array, split: Split): void {
    const index = this.#signatures.push(signature) - 1;
    this.#splits.push(split);
    for (const key of keysOf(signature)) {
      const found = this.#bands.get(key);
      if (found === undefined) this.#bands.set(key, [index]);
      else if (found.length < MOST_COMPARED) found.push(index);
    }
  }

  hasNear(signature: Uint8Array, split: Split): boolean {
    return keysOf(signature).some((key) =>
      (this.#bands.get(key) ?? []).some(
        (index) =>
          this.#splits[index] !== split && equalValues(signature, this.#signatures[index]!) >= EQUAL_VALUES,
      ),
    );
  }
}

/** 53 bits of each band's key. */
function keysOf(signature: Uint8Array): number[] {
  return Array.from({ length: BANDS }, (_, band) => {
    const [low, high] = bandKey(signature, band);
    return low * 2 ** 21 + (high >>> 11);
  });
}

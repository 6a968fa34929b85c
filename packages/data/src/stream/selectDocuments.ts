/**
 * @file Which documents of the parts the dataset holds: in the order of the parts, no document twice and none that is near to an earlier one (as far as that is asked for), until each split has
 * as many tokens as it may. The choice depends on that order alone: parts made beyond the need change nothing.
 */
import { SPLITS, type Split } from '../manifest.js';
import { Bits } from './findDuplicates.js';
import { type PartName, readRecords } from './PartFiles.js';

export type BySplit = Readonly<Record<Split, number>>;

export interface Selection {
  /** Numbers of the chosen documents over all parts, in order. */
  readonly kept: Bits;
  readonly tokens: BySplit;
  /** Chosen documents of each part that was needed; later parts are not in the list. */
  readonly documentsOfPart: readonly number[];
  readonly duplicatesDropped: number;
  readonly nearDuplicatesDropped: number;
  /** Whether every split has all it may have. */
  readonly isFull: boolean;
}

export interface SelectOptions {
  readonly parts: readonly PartName[];
  readonly documents: number;
  readonly duplicates: Bits;
  readonly nearDuplicates: Bits | null;
  readonly mostTokens: BySplit | null;
}

/** Cost: one pass over the records. */
export async function selectDocuments({
  parts,
  documents,
  duplicates,
  nearDuplicates,
  mostTokens,
}: SelectOptions): Promise<Selection> {
  const kept = new Bits(documents);
  const tokens = { train: 0, validation: 0, audit: 0 };
  const documentsOfPart: number[] = [];
  const isOpen = { train: true, validation: true, audit: true };
  if (mostTokens !== null) for (const split of SPLITS) isOpen[split] = mostTokens[split] > 0;
  let [number, duplicatesDropped, nearDuplicatesDropped] = [0, 0, 0];
  for (const part of parts) {
    if (!SPLITS.some((split) => isOpen[split])) break;
    const before = kept.count;
    for await (const record of readRecords(part)) {
      const own = number++;
      const { split } = record;
      if (duplicates.has(own)) {
        duplicatesDropped++;
        continue;
      }
      if (nearDuplicates?.has(own)) {
        nearDuplicatesDropped++;
        continue;
      }
      // A document that no longer fits ends its split: shorter ones after it must not be favoured.
      if (mostTokens !== null && tokens[split] + record.tokens > mostTokens[split]) isOpen[split] = false;
      if (!isOpen[split]) continue;
      kept.add(own);
      tokens[split] += record.tokens;
      if (tokens[split] === mostTokens?.[split]) isOpen[split] = false;
    }
    documentsOfPart.push(kept.count - before);
  }
  return {
    kept,
    tokens,
    documentsOfPart,
    duplicatesDropped,
    nearDuplicatesDropped,
    isFull: !SPLITS.some((split) => isOpen[split]),
  };
}

/** @file Near-duplicates among the documents of a whole build: left out, or kept out of training when validation has one. */
import { SPLITS } from '../manifest.js';
import { findNearDuplicates, type SignedDocument } from '../near/findNearDuplicates.js';
import type { SpilledDocument, SplitPlan } from './planSplits.js';

/** The first of near documents by hash, so that names and order of files decide nothing; in the order given. */
export async function withoutCopies(
  documents: readonly SpilledDocument[],
  scratchDir: string,
): Promise<SpilledDocument[]> {
  const order = [...documents].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const isNear = await nearOnes(order, { scratchDir, mode: 'drop', splitOf: () => 0 });
  const kept = new Set(order.filter((_, i) => !isNear.has(i)));
  return documents.filter((document) => kept.has(document));
}

/** The plan without training documents that are near to one of validation. */
export async function withoutLeaks(plan: SplitPlan, scratchDir: string): Promise<SplitPlan> {
  const held = plan.validation.length;
  const splitOf = (i: number): number => SPLITS.indexOf(i < held ? 'validation' : 'train');
  const isNear = await nearOnes([...plan.validation, ...plan.train], { scratchDir, mode: 'keep', splitOf });
  return { ...plan, train: plan.train.filter((_, i) => !isNear.has(held + i)) };
}

async function nearOnes(
  documents: readonly SpilledDocument[],
  {
    scratchDir,
    mode,
    splitOf,
  }: { scratchDir: string; mode: 'keep' | 'drop'; splitOf: (i: number) => number },
): Promise<{ has(i: number): boolean }> {
  const signature = (i: number): Uint8Array => documents[i]!.signature!;
  const read = async function* (): AsyncGenerator<SignedDocument> {
    for (const number of documents.keys())
      yield { number, signature: signature(number), split: splitOf(number) };
  };
  const found = await findNearDuplicates({
    documents: { count: documents.length, read, signature: async (i) => signature(i) },
    mode,
    leftOut: { has: () => false },
    scratchDir,
  });
  return found.near;
}

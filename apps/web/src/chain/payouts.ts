/**
 * @file Who was paid what for an epoch, as the chain keeps it: in one value, or in pages where the report came in pages.
 * What the chain's state no longer keeps is `undefined`, never an empty list.
 */
import type { ChainReader } from './ChainReader.js';
import { isChoice, type Value } from './decodeValue.js';
import { GRADIENT_PALLET } from './epochs.js';

export interface Payout {
  readonly address: string;
  readonly role: string;
  readonly scoreNanoNats: bigint;
  readonly amountPlanck: bigint;
}

/** What a role account, such as a treasury, got of what its role earned. */
export type RolePayment = Pick<Payout, 'address' | 'role' | 'amountPlanck'>;

/** A page holds a thousand entries; more pages at once would make one answer of megabytes. */
const PAGES_PER_CALL = 4;

/** For each epoch, in the order of the report. */
export async function readPayouts(
  reader: ChainReader,
  epochs: readonly number[],
): Promise<(readonly Payout[] | undefined)[]> {
  const values = await reader.storage(
    ['Payouts', 'EpochPages'].flatMap((item) =>
      epochs.map((key) => ({ pallet: GRADIENT_PALLET, item, key })),
    ),
  );
  return await Promise.all(
    epochs.map(async (epoch, i) => {
      const [whole, pages] = [values[i], values[epochs.length + i]];
      if (whole !== undefined) return payoutsOf(whole);
      return pages === undefined ? undefined : await readPages(reader, epoch, Number(pages));
    }),
  );
}

/** What role accounts got of an epoch; most networks have none. */
export async function readRolePayments(reader: ChainReader, epoch: number): Promise<RolePayment[]> {
  const [value] = await reader.storage([{ pallet: GRADIENT_PALLET, item: 'RolePayments', key: epoch }]);
  return rowsOf(value ?? []).map(rolePaymentOf);
}

async function readPages(
  reader: ChainReader,
  epoch: number,
  pages: number,
): Promise<readonly Payout[] | undefined> {
  const payouts: Payout[] = [];
  for (let from = 0; from < pages; from += PAGES_PER_CALL) {
    const length = Math.min(PAGES_PER_CALL, pages - from);
    const values = await reader.storage(
      Array.from({ length }, (_, i) => ({
        pallet: GRADIENT_PALLET,
        item: 'PayoutPages',
        key: [epoch, from + i],
      })),
    );
    for (const value of values) {
      if (value === undefined) return undefined;
      payouts.push(...payoutsOf(value));
    }
  }
  return payouts;
}

const rowsOf = (value: Value): Record<string, Value>[] => value as Record<string, Value>[];

const payoutsOf = (value: Value): Payout[] =>
  rowsOf(value).map((row) => ({ ...rolePaymentOf(row), scoreNanoNats: BigInt(row['score'] as bigint) }));

function rolePaymentOf(row: Record<string, Value>): RolePayment {
  const role = row['role'];
  return {
    address: String(row['account']),
    role: isChoice(role) ? role.variant.toLowerCase() : 'unknown',
    amountPlanck: BigInt(row['amount'] as bigint),
  };
}

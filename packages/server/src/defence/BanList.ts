/**
 * @file Addresses that may not take part: set by the operator or by the chain, kept in the database, remembered for a few
 * seconds by each node. A banned address gets no challenge, no token and no answer; its past work stays as it is.
 */
import type { Address } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { audit } from '../state/auditLog.js';
import { type BanRow, deleteBan, listBans, saveBan } from '../state/bans.js';

export interface BanList {
  /** Throws `BANNED`. */
  check(...addresses: readonly string[]): Promise<void>;
  ban(address: Address, reason: string): Promise<void>;
  unban(address: Address, reason: string): Promise<void>;
  list(): Promise<BanRow[]>;
  /** Makes the bans of source `chain` exactly these. */
  follow(bans: readonly { readonly address: Address; readonly reason: string }[]): Promise<void>;
}

const REMEMBERED_MS = 5_000;

export function createBanList({ db, now, notices }: Pick<ServerContext, 'db' | 'now' | 'notices'>): BanList {
  let known: { readonly bans: Promise<Map<string, BanRow>>; readonly readMs: number } | undefined;
  const forget = (): void => {
    known = undefined;
  };
  notices.on('bans', forget);
  const read = (): Promise<Map<string, BanRow>> => {
    if (!known || performance.now() - known.readMs > REMEMBERED_MS) {
      const bans = listBans(db).then((rows) => new Map(rows.map((row) => [row.address, row])));
      bans.catch(forget);
      known = { bans, readMs: performance.now() };
    }
    return known.bans;
  };
  const change = async (
    action: 'ban' | 'unban',
    { address, reason, source }: { address: string; reason: string; source: string },
  ): Promise<void> => {
    await db.transaction(async (tx) => {
      if (action === 'ban') await saveBan(tx, { address, reason, source, nowMs: now() });
      else await deleteBan(tx, address);
      await audit(tx, now(), { action, subject: address, details: { reason, source } });
    });
    forget();
    notices.tell('bans');
  };
  return {
    async check(...addresses) {
      const bans = await read();
      for (const address of addresses) {
        const found = bans.get(address);
        if (found)
          throw new ServerError(
            { code: 'BANNED', address, reason: found.reason },
            `${address} may not take part: ${found.reason}`,
          );
      }
    },
    ban: (address, reason) => change('ban', { address, reason, source: 'operator' }),
    unban: (address, reason) => change('unban', { address, reason, source: 'operator' }),
    list: () => listBans(db),
    async follow(wanted) {
      const bans = await listBans(db);
      const listed = new Set<string>(wanted.map(({ address }) => address));
      for (const { address, reason } of wanted)
        if (!bans.some((row) => row.address === address))
          await change('ban', { address, reason, source: 'chain' });
      for (const { address, source } of bans)
        if (source === 'chain' && !listed.has(address))
          await change('unban', { address, reason: 'lifted by the chain', source });
    },
  };
}

/** @file Carries out what the operator signed (see the protocol's operator message). */
import {
  type Address,
  type Bans,
  fromHex,
  type OperatorRequest,
  operatorMessage,
  parseAddress,
  publicKeyOf,
  verifySignature,
} from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Database } from '../database/Database.js';
import { ServerError } from '../errors.js';
import type { BanList } from './BanList.js';

const GOOD_FOR_MS = 60_000;

/** Throws `SIGNATURE_INVALID`, `OPERATOR_MESSAGE_OLD`, `BAD_REQUEST`. */
export async function operate(
  { networkId, options, now, db }: ServerContext,
  bans: BanList,
  request: OperatorRequest,
): Promise<Bans> {
  const { address: operator } = options.serverKey;
  if (
    !verifySignature(operatorMessage(networkId, request), fromHex(request.signature), publicKeyOf(operator))
  )
    throw new ServerError({ code: 'SIGNATURE_INVALID' }, `only the key of ${operator} may do this`);
  if (Math.abs(now() - request.atMs) > GOOD_FOR_MS)
    throw new ServerError(
      { code: 'OPERATOR_MESSAGE_OLD', serverTimeMs: now() },
      'this message was signed more than a minute ago: check the clock and sign it again',
    );
  const address = checked(request.address);
  await useOnce(db, request.atMs, now());
  if (request.action === 'ban') await bans.ban(address, request.reason);
  else await bans.unban(address, request.reason);
  const rows = await bans.list();
  return {
    bans: rows.map(({ address, reason, source, banned_ms: bannedAtMs }) => ({
      address,
      reason,
      source,
      bannedAtMs,
    })),
  };
}

/** Orders are taken in the order in which they were signed, so that one that was overheard undoes none that came after it. */
async function useOnce(db: Database, atMs: number, nowMs: number): Promise<void> {
  const rows = await db.query(
    `INSERT INTO meta (key, value) VALUES ('operatorOrderMs', $1)
     ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value WHERE meta.value::bigint <= EXCLUDED.value::bigint
     RETURNING key`,
    [String(atMs)],
  );
  if (rows.length > 0) return;
  throw new ServerError(
    { code: 'OPERATOR_MESSAGE_OLD', serverTimeMs: nowMs },
    'an order that was signed after this one has been carried out: sign it again',
  );
}

function checked(address: string): Address {
  try {
    parseAddress(address);
    return address as Address;
  } catch (cause) {
    throw new ServerError({ code: 'BAD_REQUEST', field: 'address' }, 'address: not an Alice address', {
      cause,
    });
  }
}

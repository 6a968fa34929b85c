/** @file Balances shown on the status page, read from the chain now and then: the server's, scorers' and miners'. */
import { type Address, messageOf } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { readMeta, writeMeta } from '../state/meta.js';

const MAX_ACCOUNTS = 50;
const GENESIS_KEY = 'genesisIssuancePlanck';

/** Never throws: what cannot be read keeps its last value. */
export async function readBalances(context: ServerContext): Promise<void> {
  const { db, chain, health, log, options } = context;
  if (health.chainUnreachableSinceMs !== undefined) return;
  const members = await db.query<{ reward_address: Address; role: string }>(
    `SELECT reward_address, MIN(role) AS role, MAX(score) AS score FROM members
     GROUP BY reward_address ORDER BY score DESC, reward_address LIMIT $1`,
    [MAX_ACCOUNTS],
  );
  const accounts = new Map<Address, string>([[options.serverKey.address, 'server']]);
  for (const { reward_address: address, role } of members)
    if (!accounts.has(address)) accounts.set(address, role);
  try {
    const balances: (typeof health.balances)[number][] = [];
    for (const [address, role] of accounts)
      balances.push({ address, role, planck: await chain.balance(address) });
    health.balances = balances;
    health.genesisIssuancePlanck = await genesisIssuance(context);
    context.changed();
  } catch (error) {
    log.debug('Balances could not be read', { error: messageOf(error) });
  }
}

/** What existed before the first epoch: issuance less everything minted. Read once, then remembered. */
async function genesisIssuance({ db, chain }: ServerContext): Promise<bigint> {
  const known = (await readMeta(db)).get(GENESIS_KEY);
  if (known !== undefined) return BigInt(known);
  const { totalIssuancePlanck, currentEpoch } = await chain.status();
  let issuance = totalIssuancePlanck - ((await chain.mintedByForgottenEpochs?.()) ?? 0n);
  for (let epoch = 0; epoch < currentEpoch; epoch++)
    issuance -= (await chain.epoch(epoch))?.mintedPlanck ?? 0n;
  await writeMeta(db, { [GENESIS_KEY]: issuance.toString() });
  return issuance;
}

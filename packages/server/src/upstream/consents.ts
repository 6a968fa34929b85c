/** @file What miners signed when they registered here: a regional server shows it to its upstream. SQL only. */
import type { Queryable } from '../database/Database.js';
import type { Member } from '../state/members.js';

export interface Consent {
  readonly reward_address: string;
  readonly challenge: string;
  readonly signature: string;
}

export async function saveConsent(
  db: Queryable,
  { address, instance, rewardAddress }: Member,
  { challenge, signature }: Pick<Consent, 'challenge' | 'signature'>,
): Promise<void> {
  await db.query(
    `INSERT INTO consents (address, instance, reward_address, challenge, signature) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (address, instance) DO UPDATE SET reward_address = EXCLUDED.reward_address,
       challenge = EXCLUDED.challenge, signature = EXCLUDED.signature`,
    [address, instance, rewardAddress, challenge, signature],
  );
}

export async function findConsent(
  db: Queryable,
  { address, instance }: { address: string; instance: string },
): Promise<Consent | undefined> {
  const [row] = await db.query<Consent>(
    'SELECT reward_address, challenge, signature FROM consents WHERE address = $1 AND instance = $2',
    [address, instance],
  );
  return row;
}

/**
 * @file Registration (REG-1): a challenge of 32 random bytes that lives for a minute and dies when used, an sr25519
 * signature over it by the address's key, then an access token. Challenges are in the database, so that any API node
 * may take the answer. Tokens are kept as hashes, so that a stolen database opens nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  type Access,
  type Address,
  type Challenge,
  type ChallengeRequest,
  fromHex,
  KeyError,
  parseAddress,
  publicKeyOf,
  type RegisterRequest,
  registrationMessage,
  toHex,
  verifySignature,
} from '@alice/protocol';
import type { ServerContext } from '../context.js';
import type { Queryable } from '../database/Database.js';
import type { BanList } from '../defence/BanList.js';
import { ServerError } from '../errors.js';
import { groupCalls } from '../groupCalls.js';
import { createLru } from '../lru.js';
import { audit } from '../state/auditLog.js';
import { countChallenges, dropOldChallenges, saveChallenge, takeChallenge } from '../state/challenges.js';
import {
  dropExpiredTokens,
  dropTokensOf,
  findTokens,
  type Member,
  otherInstances,
  storeToken,
  type TokenRow,
  touchMembers,
  upsertMember,
} from '../state/members.js';

import { saveConsent } from '../upstream/consents.js';

export interface Registration {
  challenge(request: ChallengeRequest): Promise<Challenge>;
  register(request: RegisterRequest): Promise<Access>;
  refresh(member: Member): Promise<Access>;
  /** Throws `TOKEN_MISSING`, `TOKEN_INVALID`. */
  memberOf(authorization: string | undefined): Promise<Member>;
}

type RegistrationContext = Pick<
  ServerContext,
  'db' | 'limits' | 'now' | 'networkId' | 'options' | 'changed'
> & {
  readonly bans: BanList;
};

// Tokens looked up once are remembered, so that a request costs no query; a member's last contact is written rarely.
const TOKENS_REMEMBERED = 10_000;
const TOUCH_EVERY_MS = 5_000;
const TOUCHED_AT_ONCE = 128;
const TOKENS_AT_ONCE = 128;
const SWEEP_EVERY_MS = 1_000;
const BEARER = /^Bearer ([A-Za-z0-9_-]{32,128})$/;

export function createRegistration(context: RegistrationContext): Registration {
  const { db, limits, now, networkId, options, bans } = context;
  const known = createLru<string, TokenRow & { touchedMs: number }>(TOKENS_REMEMBERED);
  const serverId = options.serverKey.address;

  const touch = groupCalls(async (members: readonly Member[]) => {
    await touchMembers(db, members, now());
    return members;
  }, TOUCHED_AT_ONCE);

  const tokenOf = groupCalls((hashes: readonly string[]) => findTokens(db, hashes), TOKENS_AT_ONCE);

  let sweptMs = Number.NEGATIVE_INFINITY;
  /** Expired rows go once a second however many ask: a flood costs no more than its own rows. */
  const sweep = async (): Promise<void> => {
    if (Math.abs(now() - sweptMs) < SWEEP_EVERY_MS) return; // a clock may be set back
    sweptMs = now();
    await dropOldChallenges(db, now());
    await dropExpiredTokens(db, now());
  };

  const issue = async (tx: Queryable, member: Member): Promise<Access> => {
    const token = randomBytes(32).toString('base64url');
    const expiresAtMs = now() + limits.tokenTtlMs;
    await storeToken(tx, hashOf(token), { member, expiresMs: expiresAtMs });
    return { token, expiresAtMs };
  };

  return {
    async challenge(request) {
      checkAddress('address', request.address);
      await bans.check(request.address);
      if (request.role === 'scorer' && !options.scorers.includes(request.address as Address))
        throw new ServerError(
          { code: 'ROLE_FORBIDDEN', role: 'scorer' },
          'this address is not on the list of scorers of this server: ask its operator, or register as a miner',
        );
      await sweep();
      if ((await countChallenges(db, limits.openChallenges)) >= limits.openChallenges)
        throw new ServerError(
          { code: 'BUSY', retryAfterMs: 5_000 },
          'too many registrations are under way: ask again after Retry-After',
        );
      const challenge = toHex(randomBytes(32));
      const expiresAtMs = now() + limits.challengeTtlMs;
      await saveChallenge(db, challenge, { request, expiresAtMs });
      return { challenge, networkId, serverId, expiresAtMs };
    },

    async register({ challenge, signature, rewardAddress }) {
      const asked = await takeChallenge(db, challenge); // single use, whatever comes of it
      if (!asked || asked.expiresAtMs <= now())
        throw new ServerError(
          { code: 'CHALLENGE_UNKNOWN' },
          'this challenge is unknown, used or too old: ask for a new one',
        );
      const { address, instance, role, device } = asked.request;
      if (rewardAddress !== undefined) checkAddress('rewardAddress', rewardAddress);
      await bans.check(address, rewardAddress ?? address);
      const message = registrationMessage({
        networkId,
        serverId,
        address,
        instance,
        role,
        challenge,
        rewardAddress,
      });
      if (!verifySignature(message, fromHex(signature), publicKeyOf(address))) {
        await audit(db, now(), { action: 'register.refused', subject: address, details: { instance, role } });
        throw new ServerError(
          { code: 'SIGNATURE_INVALID' },
          `the signature is not by the key of ${address} over this challenge`,
        );
      }
      if ((await otherInstances(db, address, instance)) >= limits.instancesPerAddress)
        throw new ServerError(
          { code: 'INSTANCE_LIMIT', limit: limits.instancesPerAddress },
          `one address may run ${limits.instancesPerAddress} devices; use another address for more`,
        );
      const member: Member = {
        address: address as Address,
        instance,
        role,
        rewardAddress: (rewardAddress ?? address) as Address,
      };
      // Whoever holds the key takes over: tokens of this device that were given out before, or stolen, end here.
      const access = await db.transaction(async (tx) => {
        await upsertMember(tx, member, device, now());
        if (options.upstream) await saveConsent(tx, member, { challenge, signature });
        await dropTokensOf(tx, member);
        await audit(tx, now(), { action: 'register', subject: address, details: { instance, role } });
        return issue(tx, member);
      });
      context.changed();
      return access;
    },

    refresh: (member) =>
      db.transaction(async (tx) => {
        await dropTokensOf(tx, member);
        return issue(tx, member);
      }),

    async memberOf(authorization) {
      if (authorization === undefined)
        throw new ServerError({ code: 'TOKEN_MISSING' }, 'this route needs an access token: register first');
      const token = BEARER.exec(authorization)?.[1];
      const hash = token && hashOf(token);
      const cached = hash ? known.get(hash) : undefined;
      // Another node may have revoked it: what is remembered is looked up again with every touch.
      const isDue = !cached || Math.abs(now() - cached.touchedMs) >= TOUCH_EVERY_MS;
      const row = isDue && hash ? await tokenOf(hash) : cached;
      if (!hash || !row || row.expiresMs <= now())
        throw new ServerError(
          { code: 'TOKEN_INVALID' },
          'the access token is unknown or has expired: register again',
        );
      await bans.check(row.member.address, row.member.rewardAddress);
      if (isDue) {
        known.set(hash, { ...row, touchedMs: now() });
        touch(row.member).catch(() => undefined); // nobody waits for it, and the next contact is written again
      }
      return row.member;
    },
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function checkAddress(field: string, address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new ServerError({ code: 'BAD_REQUEST', field }, `${field}: ${error.message}`, { cause: error });
  }
}

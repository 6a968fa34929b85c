/**
 * @file Registration (REG-1): a challenge of 32 random bytes that lives for a minute and dies when used, an sr25519
 * signature over it by the address's key, then an access token. Challenges live in memory only: a restart asks
 * everybody for a new one. Tokens are kept as hashes, so that a stolen database opens nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  type Access,
  type Address,
  type Challenge,
  type ChallengeRequest,
  fromHex,
  type HexString,
  KeyError,
  parseAddress,
  publicKeyOf,
  type RegisterRequest,
  registrationMessage,
  toHex,
  verifySignature,
} from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { createLru } from '../lru.js';
import {
  dropExpiredTokens,
  findToken,
  type Member,
  otherInstances,
  storeToken,
  type TokenRow,
  touchMember,
  upsertMember,
} from '../state/members.js';

export interface Registration {
  challenge(request: ChallengeRequest): Promise<Challenge>;
  register(request: RegisterRequest): Promise<Access>;
  refresh(member: Member): Promise<Access>;
  /** Throws `TOKEN_MISSING`, `TOKEN_INVALID`. */
  memberOf(authorization: string | undefined): Promise<Member>;
}

type RegistrationContext = Pick<ServerContext, 'db' | 'limits' | 'now' | 'networkId' | 'options' | 'changed'>;

// Tokens looked up once are remembered, so that a request costs no query; a member's last contact is written rarely.
const TOKENS_REMEMBERED = 10_000;
const TOUCH_EVERY_MS = 5_000;
const BEARER = /^Bearer ([A-Za-z0-9_-]{32,128})$/;

export function createRegistration(context: RegistrationContext): Registration {
  const { db, limits, now, networkId, options } = context;
  const open = new Map<HexString, { request: ChallengeRequest; expiresAtMs: number }>();
  const known = createLru<string, TokenRow & { touchedMs: number }>(TOKENS_REMEMBERED);
  const serverId = options.serverKey.address;

  const dropOldChallenges = (): void => {
    for (const [challenge, { expiresAtMs }] of open) {
      if (expiresAtMs > now() && open.size < limits.openChallenges) return; // oldest first
      open.delete(challenge);
    }
  };

  const issue = async (member: Member): Promise<Access> => {
    const token = randomBytes(32).toString('base64url');
    const expiresAtMs = now() + limits.tokenTtlMs;
    await dropExpiredTokens(db, now());
    await storeToken(db, hashOf(token), { member, expiresMs: expiresAtMs });
    return { token, expiresAtMs };
  };

  return {
    async challenge(request) {
      checkAddress('address', request.address);
      if (request.role === 'scorer' && !options.scorers.includes(request.address as Address))
        throw new ServerError(
          { code: 'ROLE_FORBIDDEN', role: 'scorer' },
          'this address is not on the list of scorers of this server: ask its operator, or register as a miner',
        );
      dropOldChallenges();
      const challenge = toHex(randomBytes(32));
      const expiresAtMs = now() + limits.challengeTtlMs;
      open.set(challenge, { request, expiresAtMs });
      return { challenge, networkId, serverId, expiresAtMs };
    },

    async register({ challenge, signature, rewardAddress }) {
      const asked = open.get(challenge as HexString);
      open.delete(challenge as HexString); // single use, whatever comes of it
      if (!asked || asked.expiresAtMs <= now())
        throw new ServerError(
          { code: 'CHALLENGE_UNKNOWN' },
          'this challenge is unknown, used or too old: ask for a new one',
        );
      const { address, instance, role, device } = asked.request;
      if (rewardAddress !== undefined) checkAddress('rewardAddress', rewardAddress);
      const message = registrationMessage({
        networkId,
        serverId,
        address,
        instance,
        role,
        challenge,
        rewardAddress,
      });
      if (!verifySignature(message, fromHex(signature), publicKeyOf(address)))
        throw new ServerError(
          { code: 'SIGNATURE_INVALID' },
          `the signature is not by the key of ${address} over this challenge`,
        );
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
      await upsertMember(db, member, device, now());
      context.changed();
      return issue(member);
    },

    refresh: issue,

    async memberOf(authorization) {
      if (authorization === undefined)
        throw new ServerError({ code: 'TOKEN_MISSING' }, 'this route needs an access token: register first');
      const token = BEARER.exec(authorization)?.[1];
      const hash = token && hashOf(token);
      const row = hash ? (known.get(hash) ?? (await findToken(db, hash))) : undefined;
      if (!hash || !row || row.expiresMs <= now())
        throw new ServerError(
          { code: 'TOKEN_INVALID' },
          'the access token is unknown or has expired: register again',
        );
      const touchedMs = 'touchedMs' in row ? (row.touchedMs as number) : 0;
      const isDue = now() - touchedMs >= TOUCH_EVERY_MS;
      known.set(hash, { ...row, touchedMs: isDue ? now() : touchedMs });
      if (isDue) await touchMember(db, row.member, now());
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

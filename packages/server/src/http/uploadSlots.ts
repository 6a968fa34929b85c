/**
 * @file Bounds the uploads that arrive at once (REG-3), of everybody, of one device and of one remote address: more senders
 * are told to come back before their body is read, and slow bodies of one sender never hold the places of all.
 */
import type { FastifyReply } from 'fastify';
import { ServerError } from '../errors.js';
import type { ServerLimits } from '../options.js';
import type { Member } from '../state/members.js';
import { isLoopback, networkOf } from './rateLimits.js';

export interface UploadSlots {
  /** Holds a slot until the answer has been sent or the sender is gone. Throws `BUSY`, `RATE_LIMITED`. */
  take(reply: Pick<FastifyReply, 'raw'>, sender: Sender): void;
}

interface Sender {
  readonly member: Pick<Member, 'address' | 'instance' | 'role'>;
  readonly ip: string;
}

type Limits = Pick<ServerLimits, 'submissionsAtOnce' | 'submissionsPerMember' | 'submissionsPerIp'>;

const RETRY_AFTER_MS = 1_000;
/** Whoever sends several at once waits for one of them. */
const OWN_RETRY_AFTER_MS = 5_000;

export function createUploadSlots(limits: Limits): UploadSlots {
  let taken = 0;
  const own = new Map<string, number>();
  return {
    take({ raw }, sender) {
      if (taken >= limits.submissionsAtOnce)
        throw new ServerError(
          { code: 'BUSY', retryAfterMs: RETRY_AFTER_MS },
          'too many submissions are arriving at once: send it again after Retry-After',
        );
      const shares = sharesOf(sender, limits);
      for (const { key, limit, whose } of shares)
        if ((own.get(key) ?? 0) >= limit)
          throw new ServerError(
            { code: 'RATE_LIMITED', retryAfterMs: OWN_RETRY_AFTER_MS },
            `${limit} submissions of ${whose} are arriving already: send it again after Retry-After`,
          );
      taken++;
      for (const { key } of shares) own.set(key, (own.get(key) ?? 0) + 1);
      raw.once('close', () => {
        taken--;
        for (const { key } of shares) giveBack(own, key);
      });
    },
  };
}

/** What this upload counts against. A whole local network, or a proxy, sends from this machine: its address is nobody's. */
function sharesOf({ member, ip }: Sender, { submissionsPerMember, submissionsPerIp }: Limits) {
  const { address, instance, role } = member;
  const device = {
    key: `member ${role} ${address}/${instance}`,
    limit: submissionsPerMember,
    whose: 'this device',
  };
  if (isLoopback(ip)) return [device];
  return [device, { key: `ip ${networkOf(ip)}`, limit: submissionsPerIp, whose: 'this IP address' }];
}

function giveBack(counts: Map<string, number>, key: string): void {
  const left = counts.get(key)! - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

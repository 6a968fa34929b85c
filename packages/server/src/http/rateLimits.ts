/**
 * @file Request limits per remote address and per token holder (REG-3), counted by @fastify/rate-limit. This machine
 * itself is given room for a whole local network.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServerError } from '../errors.js';
import type { ServerLimits } from '../options.js';
import type { Member } from '../state/members.js';

export interface RequestLimits {
  /** Both throw `RATE_LIMITED`. */
  byAddress(request: FastifyRequest): Promise<void>;
  byMember(request: FastifyRequest, member: Member): Promise<void>;
  /** Registrations begun: a flood of them must not use up what others of this address have. */
  registrations(request: FastifyRequest): Promise<void>;
}

export function limitRequests(app: FastifyInstance, limits: ServerLimits): RequestLimits {
  const identities = new WeakMap<FastifyRequest, string>();
  const timeWindow = 60_000;
  const byAddress = app.createRateLimit({
    timeWindow,
    keyGenerator: (request) => `ip ${networkOf(request.ip)}`,
    max: (request) => (isLoopback(request.ip) ? limits.perLoopbackPerMinute : limits.perIpPerMinute),
  });
  const byMember = app.createRateLimit({
    timeWindow,
    keyGenerator: (request) => identities.get(request) ?? 'nobody',
    max: (request) =>
      isLoopback(request.ip) ? limits.perLoopbackMemberPerMinute : limits.perMemberPerMinute,
  });
  const registrations = app.createRateLimit({
    timeWindow,
    keyGenerator: (request) => `registration ${networkOf(request.ip)}`,
    max: (request) =>
      isLoopback(request.ip) ? limits.registrationsPerLoopbackPerMinute : limits.registrationsPerIpPerMinute,
  });
  const check = async (limit: typeof byAddress, request: FastifyRequest): Promise<void> => {
    const state = await limit(request);
    if (state.isAllowed || !state.isExceeded) return;
    throw new ServerError(
      { code: 'RATE_LIMITED', retryAfterMs: state.ttl },
      'too many requests: wait as long as Retry-After says',
    );
  };
  return {
    byAddress: (request) => check(byAddress, request),
    registrations: (request) => check(registrations, request),
    byMember: (request, { address, instance, role }) => {
      identities.set(request, `member ${role} ${address}/${instance}`);
      return check(byMember, request);
    },
  };
}

export function isLoopback(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.');
}

/** Asked from this machine, and not by a proxy on it: with one that the server was not told of, who asks is elsewhere. */
export function isOfThisMachine({ ip, headers }: FastifyRequest): boolean {
  return (
    isLoopback(ip) &&
    ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'].every((name) => headers[name] === undefined)
  );
}

/** A home has one IPv4 address but 2⁶⁴ IPv6 addresses: count the /64. */
export function networkOf(ip: string): string {
  if (!ip.includes(':') || ip.startsWith('::ffff:')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return groups.slice(0, 4).join(':');
}

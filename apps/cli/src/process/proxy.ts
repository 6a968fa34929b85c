/**
 * @file What proxy variables mean here. Node asks a proxy only when told to (NODE_USE_ENV_PROXY=1, from 22.21 and 24 on), and
 * then for addresses of this machine too, unless NO_PROXY leaves them out.
 */
import { CliError } from '../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PROXIES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const;
const isAsked = (env: Environment): boolean => env['NODE_USE_ENV_PROXY'] === '1';
const proxyOf = (env: Environment): string | undefined => PROXIES.find((name) => (env[name] ?? '') !== '');

/** For who cannot reach a server: a proxy is named and not asked. */
export function proxyHint(env: Environment = process.env): string {
  const name = proxyOf(env);
  return name === undefined || isAsked(env)
    ? ''
    : `. ${name} is set: Node asks a proxy only with NODE_USE_ENV_PROXY=1, from version 22.21 and 24 on`;
}

/** Throws `PROXY_IN_THE_WAY` where the processes of a network on this machine would look for each other at the proxy. */
export function requireDirectLoopback(env: Environment = process.env): void {
  const name = PROXIES.slice(2).find((candidate) => (env[candidate] ?? '') !== '');
  if (name === undefined || !isAsked(env)) return;
  const left = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/);
  if (left.includes('*') || left.includes('127.0.0.1')) return;
  throw new CliError(
    { code: 'PROXY_IN_THE_WAY' },
    `with ${name} and NODE_USE_ENV_PROXY=1 the processes on this machine would look for each other at the proxy: ` +
      'set NO_PROXY=localhost,127.0.0.1,::1 as well',
  );
}

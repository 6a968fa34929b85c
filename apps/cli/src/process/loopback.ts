/** @file How processes of this machine reach what listens on an address of it. */
import { CliError } from '../errors.js';

/** All addresses of the machine, and one of those by which it reaches itself. */
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * The loopback address behind `host`. Throws `OPTION_INVALID` for an address of one network only: the processes of a network
 * talk to each other without encryption, so they must meet on this machine.
 */
export function loopbackOf(host: string): string {
  const own = WILDCARDS[host] ?? host;
  if (own === 'localhost' || own === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(own)) return own;
  throw new CliError(
    { code: 'OPTION_INVALID', option: '--host' },
    `--host takes an address by which this machine reaches itself: 127.0.0.1, ::1, or 0.0.0.0 and :: for all addresses, not "${host}"`,
  );
}

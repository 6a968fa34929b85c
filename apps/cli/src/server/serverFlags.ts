/** @file What `alice server` is told about its state, its roles and its connections, and the options made of it. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@alice/protocol';
import type { Command } from 'commander';
import { CliError } from '../errors.js';
import { integerOption } from '../options.js';

export interface StateFlags {
  dir: string;
  database?: string;
  blobs?: string;
}

export interface NodeFlags extends StateFlags {
  roles: Role[];
  node?: string;
  api?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsSelfSigned?: boolean;
  behindProxy?: boolean;
  drainSeconds: number;
  maxDownloadMbps?: number;
  blobQuotaGb?: number;
}

const ROLES = ['api', 'aggregator', 'epochs', 'scorer'] as const;
export type Role = (typeof ROLES)[number];
const DEFAULT_ROLES: Role[] = ['api', 'aggregator', 'epochs'];

export function withStateOptions(command: Command, dir: string): Command {
  return command
    .option('--dir <dir>', 'where its state is kept', dir)
    .option(
      '--database <url>',
      'postgres://… shared by several nodes; better in ALICE_DATABASE_URL (default: embedded in DIR)',
    )
    .option(
      '--blobs <place>',
      'folder or s3://BUCKET?endpoint=… shared by several nodes (default: DIR/blobs)',
    );
}

export function withNodeOptions(command: Command): Command {
  return command
    .option('--roles <list>', `what this process does, of ${ROLES.join(',')}`, rolesOption, DEFAULT_ROLES)
    .option('--node <name>', 'name of this node in logs', `${hostname()}/${process.pid}`)
    .option('--api <url>', 'API node that the scorer role asks (default: this process)')
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--tls-self-signed',
      'make a certificate for this machine, for tests; anew at a start with less than 30 days left',
    )
    .option('--behind-proxy', 'a proxy on this machine says in X-Forwarded-For who asks')
    .option(
      '--blob-quota-gb <n>',
      'gigabytes of blobs to keep: beyond them old updates and submissions go earlier (default: by number only)',
      integerOption('--blob-quota-gb', 1, 1_000_000),
    )
    .option(
      '--drain-seconds <s>',
      'after SIGTERM: not ready at once, but serving for so long, until the balancer has noticed',
      integerOption('--drain-seconds', 0, 600),
      0,
    )
    .option(
      '--max-download-mbps <n>',
      'megabits a second that this process alone sends of weights, updates and training text (default: no limit)',
      integerOption('--max-download-mbps', 1, 1_000_000),
    );
}

function rolesOption(text: string): Role[] {
  const roles = text.split(',');
  if (text === 'scorer')
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--roles' },
      'a process that only scores is "alice scorer --server URL", with a key that the server knows from --scorer',
    );
  if (roles.every((role) => (ROLES as readonly string[]).includes(role))) return roles as Role[];
  throw new CliError(
    { code: 'OPTION_INVALID', option: '--roles' },
    `--roles takes some of ${ROLES.join(',')} separated by commas, not "${text}"`,
  );
}

/** The database is better named in the environment: a command line is seen by everybody on the machine. */
export function stateOf(flags: StateFlags): { databaseUrl: string | undefined; blobs: string | undefined } {
  return { databaseUrl: flags.database ?? process.env['ALICE_DATABASE_URL'], blobs: flags.blobs };
}

/** The file of this server's certificate; undefined for plain HTTP. */
export function certificateOf({ tlsSelfSigned, tlsCert, dir }: NodeFlags): string | undefined {
  return tlsSelfSigned ? join(dir, 'tls', 'cert.pem') : tlsCert;
}

/** Certificate and key, or undefined for plain HTTP. */
export function tlsOf(flags: NodeFlags): { cert: string; key: string } | undefined {
  if (flags.tlsSelfSigned) return selfSigned(join(flags.dir, 'tls'));
  if (flags.tlsCert === undefined && flags.tlsKey === undefined) return undefined;
  if (flags.tlsCert === undefined || flags.tlsKey === undefined)
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--tls-cert' },
      '--tls-cert and --tls-key belong together: give both',
    );
  return checkedPair({ cert: readFileSync(flags.tlsCert, 'utf8'), key: readFileSync(flags.tlsKey, 'utf8') });
}

/** Refused before anything is made; later OpenSSL would say it in its own words. */
function checkedPair(pair: { cert: string; key: string }): { cert: string; key: string } {
  const option = '--tls-cert';
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new CliError(
      { code: 'OPTION_INVALID', option },
      `--tls-cert and --tls-key must be PEM files, a certificate and the key that it was made for (${messageOf(cause)})`,
      { cause },
    );
  }
  const { validTo } = new X509Certificate(pair.cert);
  if (Date.parse(validTo) > Date.now()) return pair;
  throw new CliError(
    { code: 'OPTION_INVALID', option },
    `the certificate of --tls-cert was valid until ${validTo}: renew it, nobody would connect`,
  );
}

/** Days in which somebody should see to a new certificate; a self-signed one is made anew by itself. */
const RENEW_DAYS = 30;

/** How long a certificate is still valid, where that is less than 30 days; undefined where there is time. */
export function endingSoon({ cert }: { cert: string }): { validTo: string; daysLeft: number } | undefined {
  const { validTo } = new X509Certificate(cert);
  const daysLeft = Math.floor((Date.parse(validTo) - Date.now()) / 86_400_000);
  return daysLeft < RENEW_DAYS ? { validTo, daysLeft } : undefined;
}

/** A pair that was cut, does not fit (a start was killed between its files) or ends soon is made again. */
function isLasting(cert: string, key: string): boolean {
  try {
    const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    createSecureContext(pair);
    return endingSoon(pair) === undefined;
  } catch {
    return false;
  }
}

/** A certificate for localhost, made for a year by the openssl program; clients trust it through NODE_EXTRA_CA_CERTS. */
function selfSigned(dir: string): { cert: string; key: string } {
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  if (!isLasting(cert, key)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=localhost';
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
    try {
      execFileSync('openssl', [...words.split(' '), '-addext', names, '-keyout', key, '-out', cert], {
        stdio: 'pipe',
      });
    } catch {
      throw new CliError(
        { code: 'OPTION_INVALID', option: '--tls-self-signed' },
        '--tls-self-signed needs the openssl program: install it, or give --tls-cert and --tls-key',
      );
    }
  }
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

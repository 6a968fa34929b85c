/**
 * @file `--ca FILE`: trusts a server whose certificate no public authority has signed. Node reads such certificates only when it
 * starts, so the command starts itself once more with them. Certificates are checked as always, against one more root.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../errors.js';

const VARIABLE = 'NODE_EXTRA_CA_CERTS';
/** A signal to the whole group reaches the other process by itself; only after this it is told. */
const FORWARD_AFTER_MS = 1_000;

export const CA_OPTION = [
  '--ca <file>',
  "PEM file that signed the server's certificate, if it is your own",
] as const;

/** True when the command has run, to its end, in the process that trusts the file; the exit code is set. Throws `OPTION_INVALID`. */
export async function hasRunTrusting(ca: string | undefined): Promise<boolean> {
  if (ca === undefined || process.env[VARIABLE] === resolve(ca)) return false;
  checkCertificate(ca);
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [VARIABLE]: resolve(ca) },
  });
  const stop = (): void => void setTimeout(() => child.connected && child.disconnect(), FORWARD_AFTER_MS);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  child.on('message', (message) => process.send?.(message));
  if (process.send) process.on('disconnect', stop);
  process.exitCode = await new Promise<number>((ended) => child.once('close', (code) => ended(code ?? 1)));
  return true;
}

function checkCertificate(path: string): void {
  try {
    if (readFileSync(path, 'utf8').includes('-----BEGIN CERTIFICATE-----')) return;
  } catch {
    // said below
  }
  throw new CliError(
    { code: 'OPTION_INVALID', option: '--ca' },
    `--ca takes a file with a certificate in PEM, such as DIR/tls/cert.pem of a server with --tls-self-signed, not "${path}"`,
  );
}

/** @file Finds a port to listen on: the one asked for, or the next free one when nobody asked for a particular one. */
import { type AddressInfo, createServer } from 'node:net';
import { CliError } from '../errors.js';
import type { ReservedPorts } from './reservedPorts.js';

export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** Any port that nobody listens on now; another program may take it in between. */
export async function anyFreePort(host = '127.0.0.1'): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * `asked` must be free (else PORT_BUSY), and 0 asks for any; without it, the first free port from `preferred` on, skipping
 * `taken`.
 */
export async function choosePort(options: {
  asked: number | undefined;
  preferred: number;
  taken?: readonly number[];
  host?: string;
  option: string;
  /** Asked before a port is taken that nobody asked for. */
  reserved?: ReservedPorts;
}): Promise<number> {
  const { host } = options;
  if (options.asked === 0) return anyFreePort(host);
  if (options.asked !== undefined) {
    if (await isPortFree(options.asked, host)) return options.asked;
    throw new CliError(
      { code: 'PORT_BUSY', port: options.asked },
      `port ${options.asked} is in use by another program: stop that program or choose another port with ${options.option}`,
    );
  }
  const { taken = [], reserved } = options;
  for (let port = options.preferred; port < options.preferred + 200; port++)
    if (!taken.includes(port) && (await isPortFree(port, host)) && (await (reserved?.reserve(port) ?? true)))
      return port;
  throw new CliError(
    { code: 'PORT_BUSY', port: options.preferred },
    `no free port from ${options.preferred} on: choose one with ${options.option}`,
  );
}

/**
 * @file Starts a parameter server: opens its state, listens, and runs the two clocks (training rounds and settlement).
 * Returns once it answers requests; `close` finishes what is in progress and releases everything.
 */
import { errorCodeOf, messageOf, urlHost } from '@alice/protocol';
import { ServerError } from './errors.js';
import type { ServerOptions } from './options.js';
import { openServerCore, type ServerCore, type ServerPorts } from './ServerCore.js';

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const EPOCH_STEP_MS = 2_000;
const BALANCES_MS = 10_000;
const FLUSH_MS = 5_000;
const BANS_MS = 60_000;

/**
 * Throws `PORT_BUSY`, `LISTEN_FAILED`, `SERVER_DIR_LOCKED`, `SERVER_DIR_MISMATCH`, `SERVER_DIR_TOO_NEW`,
 * `SERVER_STATE_LOST`, `BEGIN_ANEW_WRONG`, `DATA_MISMATCH`, `CHAIN_NEEDED`, `OPTIONS_INVALID` and the data package's codes.
 */
export async function startServer(options: ServerOptions, ports: ServerPorts): Promise<RunningServer> {
  const core = await openServerCore(options, ports);
  const host = options.host ?? '127.0.0.1';
  try {
    await core.app.listen({ host, port: options.port });
  } catch (cause) {
    await core.close();
    throw listenError({ host, port: options.port }, cause);
  }
  const address = core.app.server.address();
  const port = typeof address === 'object' && address ? address.port : options.port;
  const url = `${options.tls ? 'https' : 'http'}://${urlHost(host)}:${port}`;
  core.coordinator.start();
  const stops = clocks(core);
  ports.log.info('Parameter server listens', { url });
  return {
    url,
    port,
    async close() {
      await Promise.all(stops.map((stop) => stop()));
      await core.close();
      ports.log.info('Parameter server stopped', { url });
    },
  };
}

function clocks(core: ServerCore): (() => Promise<void>)[] {
  const { log, refusals } = core.context;
  return [
    every(
      EPOCH_STEP_MS,
      () => core.stepEpoch(),
      (error) => log.error('Settlement failed; it is tried again', { error }),
    ),
    every(
      BALANCES_MS,
      () => core.readBalances(),
      (error) => log.warn('Balances could not be read', { error }),
    ),
    every(
      BANS_MS,
      () => core.followBans(),
      (error) => log.warn("The chain's bans could not be read", { error }),
    ),
    every(
      FLUSH_MS,
      () => refusals.flush(),
      (error) => log.warn('Counters could not be stored', { error }),
    ),
  ];
}

/** Runs `work` now and then again and again, each time `periodMs` after the last has ended; returns how to stop. */
function every(
  periodMs: number,
  work: () => Promise<void>,
  onError: (message: string) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async (): Promise<void> => {
    await work().catch((error: unknown) => isStopped || onError(messageOf(error)));
    if (!isStopped) timer = setTimeout(() => (running = run()), periodMs);
  };
  let running = run();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}

function listenError({ host, port }: { host: string; port: number }, cause: unknown): ServerError {
  if (errorCodeOf(cause) === 'EADDRINUSE')
    return new ServerError(
      { code: 'PORT_BUSY', port },
      `another program listens on ${host}:${port}: stop it, or choose another port (0 takes any free one)`,
      { cause },
    );
  const reason = errorCodeOf(cause) ?? messageOf(cause);
  return new ServerError(
    { code: 'LISTEN_FAILED', host, port, reason },
    `cannot listen on ${host}:${port} (${reason})`,
    { cause },
  );
}

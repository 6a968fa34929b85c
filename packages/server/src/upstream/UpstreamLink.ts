/**
 * @file A regional server's connection to its upstream: one registered client, bound to the first upstream it met, and
 * whether it answers. Nothing is repeated here: the region's own clock asks again.
 */
import { isServerCallError, messageOf, type Network, refusalOf, ServerClient } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import { readMeta, writeMeta } from '../state/meta.js';

const UPSTREAM_KEY = 'upstreamId';
/** Refusals that say "later", not "no". */
const LATER: ReadonlySet<number> = new Set([401, 408, 425, 429, 500, 502, 503, 504]);

/** About eight minutes. */
const FIRST_CONTACTS = 20;

export interface UpstreamLink {
  readonly client: ServerClient;
  readonly upstreamId: string;
}

/** Throws `UPSTREAM_MISMATCH` when the upstream trains another model or on other data, `SERVER_UNREACHABLE`. */
export async function openUpstream(context: ServerContext): Promise<UpstreamLink> {
  const { db, options, networkId, data } = context;
  const known = (await readMeta(db)).get(UPSTREAM_KEY);
  const client = new ServerClient({
    url: options.upstream!.url,
    member: {
      key: options.serverKey,
      instance: 'region',
      role: 'miner',
      device: { kind: 'cpu', name: 'regional server', threads: 1, memoryBytes: 0, software: 'alice region' },
    },
    ...(known === undefined ? {} : { identity: { networkId, serverId: known } }),
    attempts: 1,
    signal: context.closing,
  });
  if (known !== undefined) return { client, upstreamId: known };
  const network = await firstContact(context);
  const same: readonly [field: string, expected: string, actual: string][] = [
    ['networkId', network.networkId, networkId],
    ['model', network.model.name, options.model.name],
    ['dataRoot', network.dataRoot, data.root],
    ['tokenizer', network.tokenizer, options.tokenizerId],
    ['seed', network.seed ?? '', options.seed],
  ];
  for (const [field, expected, actual] of same)
    if (expected !== actual)
      throw new ServerError(
        { code: 'UPSTREAM_MISMATCH', field, expected, actual },
        `the upstream's ${field} is ${expected}, this region's is ${actual}: a region has the settings of its upstream`,
      );
  await writeMeta(db, { [UPSTREAM_KEY]: network.serverId });
  return { client, upstreamId: network.serverId };
}

/** A first start waits a while for its upstream: the two may be started together. */
function firstContact({ options, log, closing }: ServerContext): Promise<Network> {
  const first = new ServerClient(
    { url: options.upstream!.url, attempts: FIRST_CONTACTS, signal: closing },
    { onRetry: ({ code, reason }) => log.warn('Waiting for the upstream', { code, reason }) },
  );
  return first.network();
}

/** The code with which the upstream said no for good; undefined for everything that may be asked again. */
export function finalRefusal(error: unknown): string | undefined {
  if (!isServerCallError(error) || error.info.code !== 'SERVER_REFUSED' || LATER.has(error.info.status))
    return undefined;
  return refusalOf(error);
}

/** Whether it is the connection that failed: then the region waits and says so. */
export function isAway(error: unknown): boolean {
  if (!isServerCallError(error)) return false;
  const { info } = error;
  return info.code === 'SERVER_UNREACHABLE' || (info.code === 'SERVER_REFUSED' && LATER.has(info.status));
}

/** Notes that the upstream answers, or does not since when, for the log and the status page. */
export function noteReach({ health, log, now, changed }: ServerContext, failure?: unknown): void {
  const wasAway = health.upstreamUnreachableSinceMs !== undefined;
  if (wasAway === (failure !== undefined)) return;
  health.upstreamUnreachableSinceMs = failure === undefined ? undefined : now();
  if (failure === undefined) log.info('Upstream answers again');
  else log.warn('Upstream does not answer; the region waits', { reason: messageOf(failure) });
  changed();
}

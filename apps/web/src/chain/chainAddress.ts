/**
 * @file Where the chain's WebSocket is: what the address bar says (`?rpc=`), else what whoever serves the page says
 * (`page-config.json` beside it), else the usual port of the same host. The reader is told which of them it was.
 */

export interface ChainAddress {
  readonly url: string;
  readonly from: 'link' | 'server' | 'default';
}

export interface PageLocation {
  readonly search: string;
  readonly protocol: string;
  readonly hostname: string;
}

const USUAL_PORT = 9944;

/** Anything that is not a `ws:` or `wss:` address is passed over. */
export function chooseChainAddress(location: PageLocation, config: unknown): ChainAddress {
  const link = webSocketUrl(new URLSearchParams(location.search).get('rpc'));
  if (link) return { url: link, from: 'link' };
  const configured = webSocketUrl((config as { chainWs?: unknown } | null)?.chainWs);
  if (configured) return { url: seenFrom(location, configured), from: 'server' };
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return { url: `${scheme}://${location.hostname}:${USUAL_PORT}`, from: 'default' };
}

/** A server that names its own loopback means its own machine, which a page opened elsewhere knows by another name. */
function seenFrom({ hostname, protocol }: PageLocation, configured: string): string {
  const url = new URL(configured);
  if (!isLoopback(url.hostname) || isLoopback(hostname)) return configured;
  url.hostname = hostname;
  if (protocol === 'https:') url.protocol = 'wss:';
  return url.href;
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);

/** Throws while the server is away: what it would have said is not known then. */
export async function findChainAddress(): Promise<ChainAddress> {
  const answer = await fetch('page-config.json', { cache: 'no-store' });
  // Without such a file, or without JSON in it, the other two ways remain.
  const config = answer.ok ? await answer.json().catch(() => null) : null;
  return chooseChainAddress(window.location, config);
}

function webSocketUrl(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const url = new URL(text);
    return url.protocol === 'ws:' || url.protocol === 'wss:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

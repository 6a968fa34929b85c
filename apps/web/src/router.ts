/** @file Which page the address names. Hash routes, so the app works from any folder of any file server. */

export interface Route {
  readonly page: string;
  readonly parameters: readonly string[];
}

/** `#/explorer/block/12` → page `explorer`, parameters `block`, `12`. Anything unreadable is the overview. */
export function parseRoute(hash: string): Route {
  const [page = '', ...parameters] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  return { page: page === '' ? 'overview' : page, parameters };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

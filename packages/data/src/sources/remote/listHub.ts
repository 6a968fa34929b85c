/**
 * @file The files of a data set on a hub laid out as Hugging Face's: `hf:owner/name[@revision][/path]`. The revision is
 * turned into its commit first, so that every later request is about the same content.
 */
import type { HashHex } from '@alice/protocol';
import { DataError } from '../../errors.js';
import { formatOf, type ListedFile, type ListedSource } from '../ListedFile.js';
import { fetchText } from './fetchText.js';
import { unreachable, type WebAccess } from './fetchWithRetries.js';

const DEFAULT_ENDPOINT = 'https://huggingface.co';
const MOST_PAGES = 10_000;

export interface HubAddress {
  readonly dataset: string;
  readonly revision: string;
  /** A file or folder within it; '' for all. */
  readonly path: string;
}

/** The parts of `hf:owner/name[@revision][/path]`. Throws `SOURCE_MISSING`. */
export function parseHubAddress(source: string): HubAddress {
  const [, dataset, revision = 'main', path = ''] =
    /^hf:([\w.-]+\/[\w.-]+?)(?:@([\w.-]+))?(?:\/(.*?))?\/?$/.exec(source) ?? [];
  if (dataset !== undefined) return { dataset, revision, path };
  throw new DataError(
    { code: 'SOURCE_MISSING', path: source },
    `${source} is no address of a data set: write hf:owner/name, with @revision and /path if you like`,
  );
}

/** Where the hub is, and the token for it: HF_ENDPOINT and HF_TOKEN, the names its own tools use. */
export function hubAccess(env: NodeJS.ProcessEnv = process.env): WebAccess & { readonly endpoint: string } {
  const endpoint = (env['HF_ENDPOINT'] ?? DEFAULT_ENDPOINT).replace(/\/+$/, '');
  return { endpoint, token: env['HF_TOKEN'] || undefined, tokenOrigin: new URL(endpoint).origin };
}

interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/** Throws `SOURCE_MISSING`, `SOURCE_FORBIDDEN`, `SOURCE_UNREACHABLE`. Cost: a request per thousand files. */
export async function listHub(
  source: string,
  access: WebAccess & { readonly endpoint: string },
): Promise<ListedSource> {
  const { dataset, revision, path } = parseHubAddress(source);
  const api = `${access.endpoint}/api/datasets/${dataset}`;
  const about = (await json(`${api}/revision/${encodeURIComponent(revision)}`, access)).body as {
    sha?: unknown;
  } | null;
  if (typeof about?.sha !== 'string') throw unreachable(api, 'the answer names no commit');
  const commit = about.sha;
  const isFile = formatOf(path) !== undefined;
  const folder = isFile ? path.split('/').slice(0, -1).join('/') : path;
  const files: ListedFile[] = [];
  let page: string | null =
    `${api}/tree/${commit}${folder === '' ? '' : `/${encodePath(folder)}`}?recursive=true`;
  for (let pages = 0; page !== null; pages++) {
    if (pages === MOST_PAGES) throw unreachable(page, `the list has more than ${MOST_PAGES} pages`);
    const answer = await json(page, access);
    for (const entry of entriesOf(answer.body, page)) {
      const format = entry.type === 'file' ? formatOf(entry.path) : undefined;
      if (format === undefined || (isFile && entry.path !== path)) continue;
      files.push({
        ...format,
        path: entry.path,
        location: {
          at: 'web',
          address: `${access.endpoint}/datasets/${dataset}/resolve/${commit}/${encodePath(entry.path)}`,
        },
        bytes: entry.lfs?.size ?? entry.size,
        version: entry.lfs?.oid ?? entry.oid,
        sha256: entry.lfs === undefined ? null : published(entry.lfs.oid),
      });
    }
    page = answer.next;
  }
  return { pinned: `hf:${dataset}@${commit}${path === '' ? '' : `/${path}`}`, files };
}

function published(oid: string): HashHex | null {
  return /^[0-9a-f]{64}$/.test(oid) ? `0x${oid}` : null;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

async function json(url: string, access: WebAccess): Promise<{ body: unknown; next: string | null }> {
  const { text, headers } = await fetchText(url, access);
  const [, next = null] = /<([^>]+)>;\s*rel="next"/.exec(headers.get('link') ?? '') ?? [];
  // A page on another host would get no token, but it is not the hub's list either.
  if (next !== null && (!URL.canParse(next, url) || new URL(next, url).origin !== new URL(url).origin))
    throw unreachable(url, 'the list leaves its host');
  if (next !== null && new URL(next, url).href === url)
    throw unreachable(url, 'the list goes round in a circle');
  try {
    return { body: JSON.parse(text), next: next === null ? null : new URL(next, url).href };
  } catch {
    throw unreachable(url, 'the answer is not JSON');
  }
}

/** Throws `SOURCE_UNREACHABLE` when the answer is no list of files. */
function entriesOf(body: unknown, url: string): TreeEntry[] {
  if (Array.isArray(body) && body.every(isEntry)) return body;
  throw unreachable(url, 'the answer is no list of files');
}

function isEntry(value: Partial<TreeEntry> | null): value is TreeEntry {
  if (typeof value !== 'object' || typeof value?.path !== 'string' || typeof value.oid !== 'string')
    return false;
  if (value.type !== 'file') return true;
  const { size, oid } = value.lfs ?? { size: value.size, oid: value.oid };
  return Number.isSafeInteger(size) && size! >= 0 && typeof oid === 'string';
}

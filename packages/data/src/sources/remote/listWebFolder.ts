/**
 * @file The text files below a web address: one file, or a folder whose index a web server makes (nginx `autoindex`,
 * Apache `mod_autoindex`, Python's `http.server`). Only links that stay below the folder are followed.
 */
import { DataError } from '../../errors.js';
import { formatOf, type ListedFile, type ListedSource } from '../ListedFile.js';
import { fetchText } from './fetchText.js';
import { fetchWithRetries, type WebAccess } from './fetchWithRetries.js';
import { entityTag } from './remoteBytes.js';

const DEEPEST = 8;
const MOST_FILES = 1_000_000;

/** Throws `SOURCE_MISSING`, `SOURCE_FORBIDDEN`, `SOURCE_UNREACHABLE`, `SOURCE_INSECURE`. Cost: a request a file. */
export async function listWebFolder(source: string, access: WebAccess): Promise<ListedSource> {
  const url = new URL(source);
  url.hash = '';
  const isFile = formatOf(url.pathname) !== undefined;
  const name = decoded(url.pathname.split('/').at(-1)!);
  if (isFile) return { pinned: source, files: [await inspect(url, name, access)] };
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  const files: ListedFile[] = [];
  const visit = async (folder: URL, below: string, depth: number): Promise<void> => {
    const page = (await fetchText(folder.href, access)).text;
    for (const link of linksBelow(page, folder)) {
      const path = below + decoded(link.pathname.slice(folder.pathname.length));
      if (path.endsWith('/')) {
        if (depth === DEEPEST) throw tooMuch(link, `more than ${DEEPEST} folders in each other`);
        await visit(link, path, depth + 1);
      } else if (formatOf(path) !== undefined) {
        if (files.length === MOST_FILES) throw tooMuch(url, `more than ${MOST_FILES} files`);
        files.push(await inspect(link, path, access));
      }
    }
  };
  await visit(url, '', 0);
  return { pinned: url.href, files };
}

/** Links of an index page to entries directly in its folder, without repetition. */
export function linksBelow(page: string, folder: URL): URL[] {
  const found = new Map<string, URL>();
  for (const [, href] of page.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"'#?]+)["']/gi)) {
    const address = href!.replaceAll('&amp;', '&');
    if (!URL.canParse(address, folder)) continue;
    const link = new URL(address, folder);
    const isBelow = link.origin === folder.origin && link.pathname.startsWith(folder.pathname);
    if (isBelow && /^[^/]+\/?$/.test(link.pathname.slice(folder.pathname.length))) found.set(link.href, link);
  }
  return [...found.values()];
}

function tooMuch({ href }: URL, what: string): DataError {
  return new DataError(
    { code: 'SOURCE_UNSUPPORTED', path: href },
    `${href}: ${what} are no set of texts: name a folder further down`,
  );
}

/** As it is when it is no percent-encoded UTF-8. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function inspect(url: URL, path: string, access: WebAccess): Promise<ListedFile> {
  const response = await fetchWithRetries(url.href, access, { method: 'HEAD' });
  const length = response.headers.get('content-length');
  return {
    ...formatOf(path)!,
    path,
    location: { at: 'web', address: url.href },
    bytes: length === null ? -1 : Number(length),
    version: entityTag(response) || (response.headers.get('last-modified') ?? ''),
    sha256: null,
  };
}

/**
 * @file The documentation as a folder of plain HTML that opens from the disk: pages, menu, search without a server. Every
 * link is followed while building; what leads nowhere is reported with its page.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import type { RuntimeDescription } from '@alice/node';
import type { CommandWithHelp } from '../commands/commands.js';
import { chainReference } from './chainReference.js';
import { escapeHtml, type Rendered, renderMarkdown } from './markdown.js';
import { type SourcePage, sourcePages } from './pages.js';
import { commandReference, routeReference } from './reference.js';
import { searchEntries } from './searchEntries.js';

export interface BuiltSite {
  readonly pages: readonly {
    readonly source: string;
    readonly target: string;
    readonly rendered: Rendered;
  }[];
  /** Links that lead nowhere, as "page: target". */
  readonly brokenLinks: readonly string[];
}

export interface SiteOptions {
  /** The repository. */
  readonly root: string;
  readonly outDir: string;
  readonly program: CommandWithHelp;
  readonly runtime: RuntimeDescription;
}

export function buildSite({ root, outDir, program, runtime }: SiteOptions): BuiltSite {
  const sources: SourcePage[] = [
    ...sourcePages(root),
    generated('commands', commandReference(program)),
    generated('routes', routeReference()),
    generated('chain', chainReference(runtime)),
  ];
  const site = new SiteLinks(root, sources);
  const pages = sources.map((page) => ({
    ...page,
    rendered: renderMarkdown(page.markdown, { linkOf: (target) => site.linkOf(page, target) }),
  }));
  for (const { source, target, rendered } of pages) site.addAnchors(source, target, rendered);
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir, { recursive: true });
  for (const page of pages) writeFileSync(join(outDir, page.target), pageHtml(page, pages));
  for (const file of ['style.css', 'search.js'])
    copyFileSync(join(root, 'docs', 'site', file), join(outDir, file));
  for (const file of site.files) copyInto(root, outDir, file);
  writeFileSync(
    join(outDir, 'search-index.js'),
    `window.SEARCH = ${JSON.stringify(searchEntries(pages))};\n`,
  );
  return { pages, brokenLinks: site.broken() };
}

const generated = (name: string, markdown: string): SourcePage => ({
  ...{ source: `docs/${name}.generated.md`, target: `reference-${name}.html`, group: 'Reference', markdown },
});

function copyInto(root: string, outDir: string, file: string): void {
  const to = join(outDir, 'files', file);
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(join(root, file), to);
}

/** Turns links between files of the repository into links of the site, and remembers what to check. */
class SiteLinks {
  /** Repository files that pages show or offer. */
  readonly files = new Set<string>();
  readonly #root: string;
  readonly #bySource: ReadonlyMap<string, string>;
  readonly #anchors = new Map<string, ReadonlySet<string>>();
  readonly #wanted: { page: string; target: string; file: string; anchor: string }[] = [];
  readonly #broken: string[] = [];

  constructor(root: string, pages: readonly SourcePage[]) {
    this.#root = root;
    this.#bySource = new Map(pages.map(({ source, target }) => [source, target]));
  }

  linkOf({ source, target: own }: SourcePage, link: string): string {
    if (/^[a-z]+:/i.test(link)) return link;
    const [path = '', anchor = ''] = link.split('#');
    if (path === '') {
      this.#wanted.push({ page: source, target: link, file: own, anchor });
      return link;
    }
    const file = posix.join(posix.dirname(source), decodeURIComponent(path)).replace(/\/$/, '');
    const page = this.#bySource.get(file) ?? this.#bySource.get(`${file}/README.md`);
    if (page !== undefined) {
      this.#wanted.push({ page: source, target: link, file: page, anchor });
      return anchor ? `${page}#${anchor}` : page;
    }
    if (!existsSync(join(this.#root, file))) this.#broken.push(`${source}: ${link}`);
    else if (/\.(png|svg|jpg|json|csv)$/.test(file)) {
      this.files.add(file);
      return `files/${file}`;
    }
    return `#${anchor}`; // a folder or a source file: it is in the clone, not on the site
  }

  addAnchors(_source: string, target: string, { headings }: Rendered): void {
    this.#anchors.set(target, new Set(headings.map(({ id }) => id)));
  }

  broken(): string[] {
    const lost = this.#wanted.filter(
      ({ file, anchor }) => anchor !== '' && !this.#anchors.get(file)?.has(anchor),
    );
    return [...this.#broken, ...lost.map(({ page, target }) => `${page}: ${target}`)];
  }
}

function pageHtml(
  page: { target: string; rendered: Rendered },
  pages: readonly { target: string; group: string; rendered: Rendered }[],
): string {
  const groups = [...new Set(pages.map(({ group }) => group))];
  const entry = ({ target, rendered }: { target: string; rendered: Rendered }): string =>
    `<li><a href="${target}"${target === page.target ? ' aria-current="page"' : ''}>${escapeHtml(rendered.title)}</a></li>`;
  const menu = groups
    .map(
      (group) =>
        `<h2>${group}</h2><ul>${pages
          .filter((p) => p.group === group)
          .map(entry)
          .join('')}</ul>`,
    )
    .join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(page.rendered.title)} · Alice</title>
<link rel="stylesheet" href="style.css">
<script defer src="search-index.js"></script>
<script defer src="search.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header><a class="brand" href="index.html">Alice</a>
<form role="search"><label for="query">Search</label><input id="query" type="search" autocomplete="off"></form></header>
<div id="results" role="region" aria-live="polite" aria-label="Search results" hidden></div>
<nav aria-label="Documents"><details><summary>Documents</summary>${menu}</details></nav>
<main id="content" tabindex="-1">
${page.rendered.html}
</main>
</body>
</html>
`;
}

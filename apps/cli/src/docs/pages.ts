/** @file Which documents the site is made of, in what order and under what heading of its menu. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourcePage {
  /** Path within the repository, with slashes; the base of the page's links. */
  readonly source: string;
  /** File name on the site. */
  readonly target: string;
  readonly group: string;
  readonly markdown: string;
}

const GUIDES = ['miner', 'operator', 'validator', 'researcher'];

/** Every page that lies in the repository as Markdown. Generated pages are added by the site. */
export function sourcePages(root: string): SourcePage[] {
  const page = (source: string, target: string, group: string): SourcePage[] =>
    existsSync(join(root, source))
      ? [{ source, target, group, markdown: readFileSync(join(root, source), 'utf8') }]
      : [];
  const folder = (path: string): string[] =>
    existsSync(join(root, path))
      ? readdirSync(join(root, path))
          .filter((file) => file.endsWith('.md'))
          .sort()
      : [];
  return [
    ...page('README.md', 'index.html', 'Start'),
    ...page('docs/verify.md', 'verify.html', 'Start'),
    ...page('docs/GLOSSARY.md', 'glossary.html', 'Start'),
    ...page('CHANGELOG.md', 'changelog.html', 'Start'),
    ...GUIDES.flatMap((name) => page(`docs/guides/${name}.md`, `guide-${name}.html`, 'Guides')),
    ...folder('docs')
      .filter((file) => !['verify.md', 'GLOSSARY.md'].includes(file))
      .flatMap((file) => page(`docs/${file}`, htmlName(file), 'How it works')),
    ...folder('docs/spec').flatMap((file) =>
      page(`docs/spec/${file}`, `spec-${htmlName(file)}`, 'Specification'),
    ),
    ...packages(root).flatMap((path) =>
      page(`${path}/README.md`, `package-${path.split('/')[1]}.html`, 'Packages'),
    ),
    ...folder('docs/adr').flatMap((file) =>
      page(`docs/adr/${file}`, `decision-${htmlName(file)}`, 'Decisions'),
    ),
  ];
}

const htmlName = (file: string): string => file.toLowerCase().replace(/\.md$/, '.html');

function packages(root: string): string[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((name) => `${group}/${name}`),
  );
}

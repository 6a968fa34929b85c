/**
 * @file The Markdown this repository is written in, as HTML: headings with ids, paragraphs, lists, tables, code, quotes,
 * links, images, emphasis. Text is always escaped; HTML in a document shows as text, so a page can hold nothing active.
 */

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

export interface Rendered {
  readonly html: string;
  /** The first heading, or "". */
  readonly title: string;
  readonly headings: readonly Heading[];
  /** Targets of links and images as written. */
  readonly links: readonly string[];
  /** Contents of code blocks, with the language after the fence. */
  readonly code: readonly { readonly language: string; readonly text: string }[];
}

export interface RenderOptions {
  /** Where a link's target is on the site; the target as written when it stays. */
  readonly linkOf?: (target: string) => string;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** The id of a heading, as GitHub makes it: lower case, spaces to dashes, punctuation away. */
export function headingId(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

export function renderMarkdown(
  source: string,
  { linkOf = (target) => target }: RenderOptions = {},
): Rendered {
  const links: string[] = [];
  const inline = (text: string): string =>
    renderInline(text, (target) => {
      links.push(target);
      return linkOf(target);
    });
  const page = new Page(inline);
  const lines = source.replace(/\r\n/g, '\n').split('\n');
  for (let at = 0; at < lines.length; ) at = page.block(lines, at);
  return {
    html: page.html.join('\n'),
    title: page.headings[0]?.text ?? '',
    headings: page.headings,
    links,
    code: page.code,
  };
}

const FENCE = /^(\s*)```(\S*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)(?:([-*])|(\d+)\.)\s+(.*)$/;
const DIVIDER = /^\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$/;

class Page {
  readonly html: string[] = [];
  readonly headings: Heading[] = [];
  readonly code: { language: string; text: string }[] = [];
  readonly #inline: (text: string) => string;
  readonly #ids = new Map<string, number>();

  constructor(inline: (text: string) => string) {
    this.#inline = inline;
  }

  /** Renders the block that begins at a line; returns where the next one begins. */
  block(lines: readonly string[], at: number): number {
    const line = lines[at]!;
    if (line.trim() === '') return at + 1;
    const heading = HEADING.exec(line);
    if (heading) return this.#heading(heading[1]!.length, heading[2]!, at);
    if (FENCE.test(line)) return this.#fence(lines, at);
    if (ITEM.test(line)) return this.#list(lines, at);
    if (line.includes('|') && DIVIDER.test(lines[at + 1]?.trim() ?? '')) return this.#table(lines, at);
    if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) {
      this.html.push('<hr>');
      return at + 1;
    }
    return line.startsWith('>') ? this.#quote(lines, at) : this.#paragraph(lines, at);
  }

  #heading(level: number, text: string, at: number): number {
    const plain = text.replace(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1');
    const base = headingId(plain);
    const seen = this.#ids.get(base) ?? 0;
    this.#ids.set(base, seen + 1);
    const id = seen === 0 ? base : `${base}-${seen}`;
    this.headings.push({ level, id, text: plain });
    this.html.push(
      `<h${level} id="${id}">${this.#inline(text)} <a class="anchor" href="#${id}" aria-label="link to this part">#</a></h${level}>`,
    );
    return at + 1;
  }

  #fence(lines: readonly string[], at: number): number {
    const [, indent = '', language = ''] = FENCE.exec(lines[at]!)!;
    let end = at + 1;
    while (end < lines.length && !lines[end]!.trim().startsWith('```')) end++;
    const text = lines
      .slice(at + 1, end)
      .map((line) => line.replace(new RegExp(`^\\s{0,${indent.length}}`), ''))
      .join('\n');
    this.code.push({ language, text });
    this.html.push(`<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>`);
    return end + 1;
  }

  #quote(lines: readonly string[], at: number): number {
    let end = at;
    while (end < lines.length && lines[end]!.startsWith('>')) end++;
    const text = lines
      .slice(at, end)
      .map((line) => line.replace(/^>\s?/, ''))
      .join(' ');
    this.html.push(`<blockquote><p>${this.#inline(text)}</p></blockquote>`);
    return end;
  }

  #paragraph(lines: readonly string[], at: number): number {
    let end = at + 1;
    while (end < lines.length && lines[end]!.trim() !== '' && !startsBlock(lines[end]!)) end++;
    this.html.push(
      `<p>${this.#inline(
        lines
          .slice(at, end)
          .map((line) => line.trim())
          .join('\n'),
      )}</p>`,
    );
    return end;
  }

  /** Items may run over several lines and hold lists; what is indented deeper belongs to the item. */
  #list(lines: readonly string[], at: number): number {
    const [, indent = '', , number] = ITEM.exec(lines[at]!)!;
    const tag = number === undefined ? 'ul' : 'ol';
    this.html.push(`<${tag}>`);
    while (at < lines.length) {
      const item = ITEM.exec(lines[at]!);
      if (!item || item[1]!.length !== indent.length) break;
      if ((item[3] === undefined) !== (tag === 'ul')) break;
      const text = [item[4]!];
      at++;
      while (at < lines.length && continues(lines[at]!, indent.length)) text.push(lines[at++]!.trim());
      this.html.push(`<li>${this.#inline(text.join('\n'))}`);
      at = this.#inner(lines, at, indent.length);
      this.html.push('</li>');
      if (lines[at]?.trim() === '' && isItemAt(lines[at + 1], indent.length)) at++;
    }
    this.html.push(`</${tag}>`);
    return at;
  }

  /** Blocks indented below an item. */
  #inner(lines: readonly string[], at: number, indent: number): number {
    while (at < lines.length) {
      const next = lines[at]!.trim() === '' ? at + 1 : at;
      const line = lines[next];
      if (line === undefined || line.trim() === '' || indentOf(line) <= indent) return at;
      at = ITEM.test(line) || FENCE.test(line) ? this.block(lines, next) : this.#paragraph(lines, next);
    }
    return at;
  }

  #table(lines: readonly string[], at: number): number {
    let end = at + 2;
    while (end < lines.length && lines[end]!.includes('|') && lines[end]!.trim() !== '') end++;
    const align = cellsOf(lines[at + 1]!).map((cell) =>
      /^:?-+:$/.test(cell) ? (cell.startsWith(':') ? 'center' : 'right') : '',
    );
    const row = (line: string, tag: string): string =>
      `<tr>${cellsOf(line)
        .map((cell, i) => `<${tag}${align[i] ? ` class="${align[i]}"` : ''}>${this.#inline(cell)}</${tag}>`)
        .join('')}</tr>`;
    const body = lines.slice(at + 2, end).map((line) => row(line, 'td'));
    this.html.push(
      `<div class="table" tabindex="0"><table><thead>${row(lines[at]!, 'th')}</thead><tbody>${body.join('')}</tbody></table></div>`,
    );
    return end;
  }
}

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isItemAt = (line: string | undefined, indent: number): boolean =>
  line !== undefined && ITEM.test(line) && indentOf(line) === indent;
const continues = (line: string, indent: number): boolean =>
  line.trim() !== '' && !ITEM.test(line) && !FENCE.test(line) && indentOf(line) > indent;
const startsBlock = (line: string): boolean =>
  HEADING.test(line) || FENCE.test(line) || ITEM.test(line) || line.startsWith('>');

/** Cells of a table's line; a bar in code or after a backslash is no border. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let isCode = false;
  const text = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\' && text[i + 1] === '|') cell += text[++i];
    else if (text[i] === '|' && !isCode) {
      cells.push(cell.trim());
      cell = '';
    } else {
      if (text[i] === '`') isCode = !isCode;
      cell += text[i];
    }
  }
  return [...cells, cell.trim()];
}

const INLINE =
  /(`+)(.+?)\1|!\[([^\]]*)\]\(([^)\s]+)\)|\[((?:[^[\]]|`[^`]*`)*)\]\(([^)\s]+)\)|<(https?:[^>\s]+)>|\*\*(.+?)\*\*|(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])|(?<!\w)_([^_\s](?:[^_]*[^_\s])?)_(?!\w)/gs;

function renderInline(text: string, onLink: (target: string) => string): string {
  let html = '';
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(from, match.index));
    from = match.index + match[0].length;
    const [, , code, alt, image, label, target, bare, strong, star, underscore] = match;
    const inner = (part: string): string => renderInline(part, onLink);
    if (code !== undefined)
      html += `<code>${escapeHtml(code.trim() === '' ? code : code.replace(/^ (.*) $/s, '$1'))}</code>`;
    else if (image !== undefined)
      html += `<img src="${escapeHtml(onLink(image))}" alt="${escapeHtml(alt ?? '')}">`;
    else if (target !== undefined)
      html += `<a href="${escapeHtml(onLink(target))}">${inner(label ?? '')}</a>`;
    else if (bare !== undefined) html += `<a href="${escapeHtml(onLink(bare))}">${escapeHtml(bare)}</a>`;
    else if (strong !== undefined) html += `<strong>${inner(strong)}</strong>`;
    else html += `<em>${inner(star ?? underscore ?? '')}</em>`;
  }
  return html + escapeHtml(text.slice(from));
}

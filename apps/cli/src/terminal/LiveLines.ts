/**
 * @file A few lines at the bottom of a terminal that are drawn over and over, while ordinary lines pass above them. Where
 * nothing can be drawn over (a file, a pipe, TERM=dumb) only the ordinary lines are written.
 */
import { stripVTControlCharacters } from 'node:util';

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Whether lines of this stream can be drawn over. */
export const isDrawable = ({ isTTY }: Pick<Screen, 'isTTY'>): boolean =>
  isTTY === true && process.env['TERM'] !== 'dumb';

const DEFAULT_COLUMNS = 80;
const UP = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : '');
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[J';

export class LiveLines {
  readonly #screen: Screen;
  readonly isLive: boolean;
  #drawn: readonly string[] = [];

  constructor(screen: Screen, isLive = isDrawable(screen)) {
    this.#screen = screen;
    this.isLive = isLive;
  }

  get columns(): number {
    return this.#screen.columns ?? DEFAULT_COLUMNS;
  }

  /** An ordinary line, above the live ones. */
  say(line: string): void {
    if (this.#drawn.length === 0) this.#screen.write(`${line}\n`);
    else this.#screen.write(`${this.#back()}${CLEAR_BELOW}${line}\n${this.#drawing()}`);
  }

  /** Draws these in place of those before; a line wider than the terminal is cut, since one that wraps cannot be drawn over. */
  show(lines: readonly string[]): void {
    if (!this.isLive) return;
    const back = this.#back();
    const rest = lines.length < this.#drawn.length ? CLEAR_BELOW : '';
    this.#drawn = lines.map((line) => fitted(line, this.columns - 1));
    this.#screen.write(`${back}${this.#drawing()}${rest}`);
  }

  /** Takes the live lines away, for output of others or for good. */
  clear(): void {
    if (this.#drawn.length === 0) return;
    this.#screen.write(`${this.#back()}${CLEAR_BELOW}`);
    this.#drawn = [];
  }

  #back(): string {
    return `\r${UP(this.#drawn.length)}`;
  }

  #drawing(): string {
    return this.#drawn.map((line) => `${CLEAR_LINE}${line}\n`).join('');
  }
}

const ESCAPE = '\u001b';
const RESET = `${ESCAPE}[0m`;
const COLOUR_OR_LETTER = new RegExp(`(${ESCAPE}\\[[0-9;]*m)|([^])`, 'gu');

/** At most `columns` characters wide; colours do not count and end where the line is cut. */
export function fitted(line: string, columns: number): string {
  if ([...stripVTControlCharacters(line)].length <= columns) return line;
  let text = '';
  let width = 0;
  for (const [, colour, letter] of line.matchAll(COLOUR_OR_LETTER)) {
    if (colour === undefined && width >= columns - 1) return `${text}…${line.includes(ESCAPE) ? RESET : ''}`;
    text += colour ?? letter;
    if (colour === undefined) width += 1;
  }
  return text;
}

/** @file Live lines as the terminal would show them: the test plays the escape codes on a screen of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitted, LiveLines } from './LiveLines.js';

const CODE_OR_LETTER = new RegExp(`${'\u001b'}\\[\\d*[A-Z]|[^]`, 'gu');

/** A terminal of endless height that knows the few codes used here; it fails on any other. */
class Terminal {
  readonly isTTY = true;
  readonly columns = 20;
  readonly #rows: string[] = [''];
  #row = 0;
  #column = 0;

  write(text: string): void {
    for (const [part] of text.matchAll(CODE_OR_LETTER)) this.#take(part);
  }

  get rows(): string[] {
    return this.#rows.slice(0, this.#rows.at(-1) === '' ? -1 : undefined);
  }

  #take(part: string): void {
    if (part === '\n') {
      this.#row += 1;
      this.#column = 0;
      this.#rows[this.#row] ??= '';
    } else if (part === '\r') this.#column = 0;
    else if (part === '\u001b[2K') this.#rows[this.#row] = '';
    else if (part === '\u001b[J') {
      this.#rows.length = this.#row + 1;
      this.#rows[this.#row] = this.#rows[this.#row]!.slice(0, this.#column);
    } else if (/A$/.test(part)) this.#row -= Number(part.slice(2, -1));
    else {
      assert.ok(!part.startsWith('\u001b'), `unknown code ${JSON.stringify(part)}`);
      const row = this.#rows[this.#row]!;
      this.#rows[this.#row] = row.slice(0, this.#column) + part + row.slice(this.#column + 1);
      this.#column += 1;
    }
  }
}

test('ordinary lines pass above the live ones, which are drawn over', () => {
  const terminal = new Terminal();
  const live = new LiveLines(terminal, true);
  live.say('first');
  live.show(['speed 1', 'epoch 0']);
  live.say('second');
  live.show(['speed 22', 'epoch 0']);
  assert.deepEqual(terminal.rows, ['first', 'second', 'speed 22', 'epoch 0']);
  live.show(['speed 3']);
  assert.deepEqual(terminal.rows, ['first', 'second', 'speed 3']);
  live.clear();
  live.say('third');
  assert.deepEqual(terminal.rows, ['first', 'second', 'third']);
});

test('a line that would wrap is cut, since rows above it could not be found again', () => {
  const terminal = new Terminal();
  const live = new LiveLines(terminal, true);
  for (const end of ['one', 'two']) live.show([`${'x'.repeat(30)} ${end}`, end]);
  assert.deepEqual(terminal.rows, [`${'x'.repeat(18)}…`, 'two']);
});

test('colours take no room, and none is left open where a line is cut', () => {
  const red = '\u001b[31m';
  const plain = '\u001b[39m';
  assert.equal(fitted(`${red}abc${plain}def`, 6), `${red}abc${plain}def`);
  assert.equal(fitted(`${red}abcdef${plain}`, 4), `${red}abc…\u001b[0m`);
});

test('where nothing can be drawn over, only ordinary lines are written', () => {
  let written = '';
  const live = new LiveLines({ write: (text) => (written += text) });
  live.show(['speed 1']);
  live.say('line');
  live.clear();
  assert.equal(written, 'line\n');
});

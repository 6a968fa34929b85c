/**
 * @file The attack gallery: what each attack earns and does to the model, as the laboratory measured it when this page was
 * built (`attacks.md` beside it is the laboratory's own table). Nothing here is live.
 */
import { messageOf } from '@alice/protocol';
import { element, hint, section } from '../dom.js';
import { type Cell, Table } from '../parts/Table.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { type AttackTable, parseAttacks } from './parseAttacks.js';

/** Columns of words; all others hold numbers. */
const WORDS = new Set(['attack', 'what it does']);
const SENTENCES = 1;

export function openAttacks(): View {
  const place = element('div', {}, 'reading the results …');
  const said = hint();
  const stop = untilAnswered(
    async () => {
      const answer = await fetch('attacks.md');
      if (answer.status === 404) {
        place.textContent = 'this page was built without the laboratory’s results';
        return true;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const report = parseAttacks(await answer.text());
      place.replaceChildren(tableOf(report));
      said.textContent = report.assertions;
      return true;
    },
    (error) => {
      place.textContent = `the results cannot be read: ${messageOf(error)}; trying again`;
    },
  );
  return {
    title: 'Attacks',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'What attacks earn'),
      section(
        'Attack gallery',
        element(
          'p',
          { class: 'said' },
          'Whoever is paid for work may try to be paid without it, or to spoil the model. Here three of ten miners cheat, in every way we could think of, and seven are honest.',
        ),
        hint(
          'Pay is relative to an honest miner’s: 1.00× is as much, “free” marks attacks that do no work, so that any pay would be for nothing. “gate” judges by held-out loss alone; “work”, which the network uses, also tests whether the work was done. Loss is what the attack did to the model; – was not measured.',
        ),
        place,
        said,
        hint(
          'Measured by ',
          element('code', {}, 'alice lab run attacks'),
          '; anyone can run it again from the same seeds.',
        ),
      ),
    ),
    close: stop,
  };
}

function tableOf({ columns, rows }: AttackTable): HTMLElement {
  const table = new Table({
    ...{ label: 'What attacks earn', empty: 'no result' },
    columns: columns.map((name) => (WORDS.has(name) ? name : `#${name}`)),
  });
  table.show(
    rows.map((row) =>
      row.map(
        (text, i): Cell => ({
          text: text === '' ? '–' : text.replace(/^-(?=\d)/, '−'),
          words: i === SENTENCES,
        }),
      ),
    ),
  );
  return table.node;
}

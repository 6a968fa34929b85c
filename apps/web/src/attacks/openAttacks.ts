/**
 * @file The attack gallery: what each attack earns and does to the model, as the laboratory measured it when this page was
 * built (`attacks.md` beside it is the laboratory's own table). Nothing here is live.
 */
import { messageOf } from '@alice/protocol';
import { element, hint, section } from '../dom.js';
import { type Cell, Table } from '../parts/Table.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { parseAttacks } from './parseAttacks.js';

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
      const { columns, rows, assertions } = parseAttacks(await answer.text());
      const table = new Table({
        ...{ label: 'What attacks earn', empty: 'no result' },
        columns: columns.map((name, i) => (i === 0 ? name : `#${name}`)),
      });
      table.show(rows.map((row) => row.map((text): Cell => ({ text }))));
      place.replaceChildren(table.node);
      said.textContent = assertions;
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
        hint(
          'Three of ten miners attack; seven are honest. Pay is relative to an honest miner’s: 1.00× is as much, “free” marks attacks that do no work, so that any pay would be for nothing. “gate” is held-out loss alone, “work” adds the tests of the work done. Loss is what the attack did to the model.',
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

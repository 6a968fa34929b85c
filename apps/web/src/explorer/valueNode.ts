/** @file A decoded chain value as an element: addresses and hashes as links, money in ALICE with the exact planck beside. */
import type { Fields, Value } from '../chain/decodeValue.js';
import { isChoice } from '../chain/decodeValue.js';
import { isAddress } from '../chain/ss58.js';
import { element, link } from '../dom.js';
import { dateTime, exactAlice, shortAddress } from '../format.js';
import { accountHref } from '../parts/people.js';

/** Names under which pallets pass money. */
const MONEY = new Set(['amount', 'value', 'free_balance', 'minted', 'actual_fee', 'tip']);
const LONGEST_LIST = 24;
const LONGEST_TEXT = 80;

/** `name` is the field's; it tells money and times from other integers. */
export function valueNode(value: Value, name = ''): Node {
  if (typeof value === 'bigint' && MONEY.has(name)) return text(exactAlice(value));
  if (typeof value === 'bigint' && name === 'now') return text(`${dateTime(Number(value))} (${value} ms)`);
  if (typeof value === 'bigint' && name === 'held_out_loss')
    return text(`${value} nano-nats (${(Number(value) / 1e9).toFixed(6)} nats)`);
  if (typeof value === 'string') return stringNode(value);
  if (value === null) return text('none');
  if (typeof value !== 'object') return text(String(value));
  if (isList(value)) return listNode(value);
  if (isChoice(value)) return choiceNode(value.variant, value.fields);
  return fieldsNode(value);
}

/** Names and values of a call's arguments or an event's fields. */
export function fieldsNode(fields: Fields): HTMLElement {
  const entries = Object.entries(fields);
  if (entries.length === 0) return element('span', { class: 'hint' }, 'nothing');
  return element(
    'dl',
    { class: 'facts tight' },
    ...entries.flatMap(([name, value]) => [
      element('dt', {}, name),
      element('dd', {}, valueNode(value, name)),
    ]),
  );
}

const text = (content: string): Text => document.createTextNode(content);
const isList = (value: object): value is readonly Value[] => Array.isArray(value);

function stringNode(value: string): Node {
  if (value.startsWith('a2') && isAddress(value))
    return link(accountHref(value), element('code', {}, shortAddress(value)), { title: value });
  const isLong = value.length > LONGEST_TEXT;
  const shown = isLong ? `${value.slice(0, LONGEST_TEXT)}… (${value.length} characters)` : value;
  return value.startsWith('0x')
    ? element('code', { title: isLong ? value.slice(0, 4000) : '' }, shown)
    : text(shown);
}

function choiceNode(variant: string, fields: Fields): Node {
  const entries = Object.entries(fields);
  if (entries.length === 0) return text(variant);
  // `Id(a2…)`: the wrapper adds nothing for a reader.
  if (variant === 'Id' && entries.length === 1) return valueNode(entries[0]![1]);
  return element('span', {}, `${variant} `, fieldsNode(fields));
}

function listNode(values: readonly Value[]): Node {
  if (values.length === 0) return text('empty');
  const items = values.slice(0, LONGEST_LIST).map((value) => element('li', {}, valueNode(value)));
  if (values.length > LONGEST_LIST) items.push(element('li', {}, `… ${values.length - LONGEST_LIST} more`));
  return element('ol', { class: 'list' }, ...items);
}

/** @file The newest blocks as they are made, and the search field over all of the chain. */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import type { Block, ChainReader, Header } from '../chain/ChainReader.js';
import { openChain } from '../chain/openChain.js';
import { button, element, freshId, hint, link, section } from '../dom.js';
import { count, dateTime, shortHash } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { type Cell, Table } from '../parts/Table.js';
import type { View } from '../view.js';
import { findOnChain } from './search.js';

const BLOCKS_SHOWN = 20;

export function openBlocksPage(): View {
  const notice = new ChainNotice();
  const table = new Table({
    label: 'Latest blocks',
    columns: ['#block', 'time', 'what', '#extrinsics', '#events', 'hash'],
    empty: 'waiting for the chain …',
  });
  table.show([]);
  const blocks: Block[] = [];
  let stop: () => void = () => undefined;
  let isClosed = false;
  openChain().then((open) => {
    notice.follow(open);
    if (!isClosed) stop = followBlocks(open.reader, blocks, () => table.show(blocks.map(blockRow)));
  });
  return {
    title: 'Explorer',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Block explorer'),
      notice.node,
      section('Find', searchForm(), hint(link('#/explorer/accounts', 'All accounts'))),
      section(
        'Latest blocks',
        hint(
          'New blocks appear by themselves. Extrinsics are what a block was asked to do, at least to note its time; events are what came of them.',
        ),
        table.node,
      ),
    ),
    onStatus: (status: NetworkStatus) => notice.onStatus(status),
    close: () => {
      isClosed = true;
      stop();
      notice.close();
    },
  };
}

/** Keeps `blocks` the newest ones, newest first; gaps (a slow page, a lost connection) are filled. */
function followBlocks(reader: ChainReader, blocks: Block[], onChange: () => void): () => void {
  let isBusy = false;
  let newest: Header | undefined;
  const load = async (number: number): Promise<void> => {
    const hash = await reader.hashOf(number);
    const block = hash && (await reader.block(hash));
    if (!block) return;
    blocks.push(block);
    blocks.sort((a, b) => b.header.number - a.header.number);
    blocks.length = Math.min(blocks.length, BLOCKS_SHOWN);
    onChange();
  };
  const catchUp = async (): Promise<void> => {
    if (isBusy || !newest) return;
    isBusy = true;
    try {
      for (;;) {
        const known = new Set(blocks.map(({ header }) => header.number));
        const lowest = Math.max(0, newest.number - BLOCKS_SHOWN + 1);
        let next = newest.number;
        while (known.has(next)) next--;
        if (next < lowest) break;
        await load(next);
        if (!blocks.some(({ header }) => header.number === next)) break;
      }
    } catch {
      // the notice tells of a lost connection; the next head tries again
    } finally {
      isBusy = false;
    }
  };
  return reader.onHead((header) => {
    newest = header;
    void catchUp();
  });
}

function blockRow({ hash, header, extrinsics, events, timeMs }: Block): Cell[] {
  const calls = extrinsics.filter(({ signer }) => signer !== undefined).map((e) => `${e.pallet}.${e.call}`);
  return [
    { text: count(header.number), href: `#/explorer/block/${header.number}` },
    { text: timeMs === undefined ? 'genesis' : dateTime(timeMs) },
    { text: calls.length === 0 ? '–' : calls.join(', ') },
    { text: String(extrinsics.length) },
    { text: events === undefined ? '?' : String(events.length) },
    { text: shortHash(hash), title: hash, code: true },
  ];
}

function searchForm(): HTMLElement {
  const id = freshId();
  const field = element('input', { id, type: 'search', name: 'q', autocomplete: 'off', spellcheck: 'false' });
  const said = element('p', { class: 'problem', role: 'status' });
  const search = async (): Promise<void> => {
    if (field.value.trim() === '') return;
    said.textContent = 'looking …';
    try {
      const { reader } = await openChain();
      const found = await findOnChain(reader, field.value);
      if ('href' in found) window.location.hash = found.href;
      else said.textContent = found.problem;
    } catch (error) {
      said.textContent = messageOf(error);
    }
  };
  const form = element(
    'form',
    { class: 'row', role: 'search' },
    element('label', { for: id }, 'Block number, hash of a block or extrinsic, or address'),
    field,
    button('Search', () => void search(), 'main'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void search();
  });
  return element('div', {}, form, said);
}

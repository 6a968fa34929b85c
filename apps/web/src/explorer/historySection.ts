/** @file The history of an account, newest first, as far as the node's explorer index goes; without one, that is said. */
import { messageOf } from '@alice/protocol';
import type { ChainSocket } from '../chain/ChainSocket.js';
import { button, element, section } from '../dom.js';
import { count, dateTime } from '../format.js';
import { type Cell, Table } from '../parts/Table.js';
import { describeHistory } from './describeHistory.js';
import { type HistoryEntry, readHistory } from './explorerIndex.js';

const BLOCKS_AT_ONCE = 15;

export interface HistorySection {
  readonly node: HTMLElement;
  /** Reads the newest blocks again; pages of older ones that were opened are closed. */
  refresh(socket: ChainSocket): Promise<void>;
}

export function historySection(address: string): HistorySection {
  const table = new Table({
    ...{ label: 'History', columns: ['#block', 'time', 'what happened'] },
    empty: 'nothing yet that this node remembers',
  });
  const said = element('p', { class: 'hint', role: 'status' }, 'asking the chain …');
  table.node.hidden = true;
  let shown: readonly HistoryEntry[] = [];
  let socket: ChainSocket | undefined;
  let next: number | null = null;
  const read = async (before: number | null): Promise<void> => {
    if (!socket) return;
    const page = await readHistory(socket, address, { before, limit: BLOCKS_AT_ONCE });
    table.node.hidden = page === undefined;
    shown = [...(before === null ? [] : shown), ...(page?.entries ?? [])];
    next = page?.next ?? null;
    older.hidden = next === null;
    table.show(shown.map((entry) => historyRow(entry, address)));
    said.textContent = page === undefined ? NO_INDEX : '';
  };
  const older = button('Show older', () => {
    read(next).catch((error: unknown) => {
      said.textContent = messageOf(error);
    });
  });
  older.hidden = true;
  return {
    node: section('History', table.node, element('p', {}, older), said),
    refresh: (from) => {
      socket = from;
      return read(null);
    },
  };
}

const NO_INDEX =
  'This node keeps no explorer index, so only what the state holds is shown here; “alice node --explorer-blocks” keeps one.';

function historyRow(entry: HistoryEntry, address: string): Cell[] {
  const { number, timestampMs } = entry;
  return [
    { text: count(number), href: `#/explorer/block/${number}` },
    { text: dateTime(timestampMs) },
    { text: describeHistory(entry, address).join('; ') },
  ];
}

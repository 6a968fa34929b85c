/** @file The model's versions, newest first: what each cost, what it is worth, and the root that pins its weights. */
import type { NetworkStatus } from '@alice/protocol';
import { element, facts, hint, section } from '../dom.js';
import { bytes, compact, count, dateTime, shortHash } from '../format.js';
import { PagedTable } from '../parts/PagedTable.js';
import type { Cell } from '../parts/Table.js';
import type { View } from '../view.js';
import { modelDownloads } from './modelDownloads.js';
import { versionSamples } from './versionSamples.js';

const ROWS_PER_PAGE = 50;

export function openModel(): View {
  let status: NetworkStatus | undefined;
  const about = element('div');
  const samples = versionSamples();
  const downloads = modelDownloads();
  const table = new PagedTable({
    label: 'Versions of the model',
    columns: [
      '#version',
      '#held-out loss',
      '#± 2 s.e.',
      '#change',
      '#tokens',
      '#updates sent',
      '#accepted',
      'published',
      'state root',
    ],
    empty: 'version 0 is being measured',
    rowsPerPage: ROWS_PER_PAGE,
    rows: async (from, length) => (status ? versionRows(status, from, length) : []),
  });
  return {
    title: 'Model',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'The model'),
      section('What is being trained', about),
      samples.node,
      downloads.node,
      section(
        'Versions',
        hint(
          'The state root is a hash over all weights: two parties with the same root have the same model. Loss in nats per token.',
        ),
        table.node,
      ),
    ),
    onStatus: (now) => {
      status = now;
      about.replaceChildren(aboutModel(now));
      samples.onStatus(now);
      downloads.onStatus(now);
      void table.refresh(now.versions.length);
    },
    close: () => {
      samples.close();
      downloads.close();
    },
  };
}

function aboutModel(status: NetworkStatus): HTMLElement {
  const { name, parameters, vocab, tokenizer } = status.model;
  return facts([
    ['Name', name],
    ['Parameters', `${count(parameters)} numbers that training changes`],
    ['Tokenizer', `${tokenizer}: cuts text into ${count(vocab)} kinds of pieces, its tokens`],
    ['Uniform guessing', `${status.uniformLossNats.toFixed(4)} nats per token: what knowing nothing scores`],
    ['Network', element('code', {}, status.networkId)],
  ]);
}

/** Rows counted from the newest. */
export function versionRows(
  { versions }: Pick<NetworkStatus, 'versions'>,
  from: number,
  length: number,
): Cell[][] {
  return Array.from({ length }, (_, i) => {
    const at = versions.length - 1 - from - i;
    const point = versions[at]!;
    const loss = point.heldOutLossNats;
    const before = versions[at - 1]?.heldOutLossNats ?? null;
    const change = loss === null || before === null ? '' : (loss - before).toFixed(4);
    return [
      { text: String(point.version) },
      { text: loss?.toFixed(4) ?? 'not measured' },
      { text: point.standardErrorNats === null ? '' : (2 * point.standardErrorNats).toFixed(4) },
      { text: change.startsWith('-') || change === '' ? change.replace('-', '−') : `+${change}` },
      { text: compact(point.trainedTokens) },
      { text: bytes(point.uplinkBytes) },
      { text: count(point.acceptedSubmissions) },
      { text: dateTime(point.createdAtMs) },
      { text: shortHash(point.stateRoot), title: point.stateRoot, code: true },
    ];
  });
}

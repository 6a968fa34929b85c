/** @file One block: header, each extrinsic with its arguments, outcome and events. */
import { type HashHex, messageOf, type NetworkStatus } from '@alice/protocol';
import type { Block } from '../chain/ChainReader.js';
import { type DecodedEvent, failureOf } from '../chain/decodeEvents.js';
import type { DecodedExtrinsic } from '../chain/decodeExtrinsic.js';
import type { Metadata } from '../chain/metadata.js';
import { openChain } from '../chain/openChain.js';
import { element, facts, hint, link, section } from '../dom.js';
import { bytes, count, dateTime, exactAlice } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { fieldsNode, valueNode } from './valueNode.js';

/** `which`: a block number or a block hash. */
export function openBlockPage(which: string): View {
  const notice = new ChainNotice();
  const heading = element('h1', { tabindex: '-1' }, /^\d+$/.test(which) ? `Block ${which}` : 'Block');
  const body = element('div', {}, 'asking the chain …');
  const stop = untilAnswered(
    async () => {
      const open = await openChain();
      notice.follow(open);
      const { reader } = open;
      const hash = /^\d{1,10}$/.test(which) ? await reader.hashOf(Number(which)) : (which as HashHex);
      const block = hash && (await reader.block(hash));
      if (!block) {
        body.replaceChildren(`The chain has no such block yet: ${which}.`);
        return false;
      }
      heading.textContent = `Block ${count(block.header.number)}`;
      body.replaceChildren(...blockNodes(block, await reader.metadata()));
      return true;
    },
    (error) => body.replaceChildren(messageOf(error)),
  );
  return {
    title: `Block ${which}`,
    node: element('div', {}, heading, notice.node, body),
    onStatus: (status: NetworkStatus) => notice.onStatus(status),
    close: () => {
      stop();
      notice.close();
    },
  };
}

function blockNodes(block: Block, metadata: Metadata): HTMLElement[] {
  const { header, hash, timeMs, extrinsics, events } = block;
  const { number } = header;
  const code = (text: string): HTMLElement => element('code', {}, text);
  const own = (events ?? []).filter((event) => event.extrinsic === undefined);
  return [
    hint(
      link('#/explorer', 'Latest blocks'),
      ...(number > 0 ? [' · ', link(`#/explorer/block/${number - 1}`, `block ${number - 1}`)] : []),
      ' · ',
      link(`#/explorer/block/${number + 1}`, `block ${number + 1}`),
    ),
    section(
      'Header',
      facts([
        ['Hash', code(hash)],
        ['Made', timeMs === undefined ? 'genesis' : dateTime(timeMs)],
        ['Parent', link(`#/explorer/block/${header.parentHash}`, code(header.parentHash))],
        ['State root', code(header.stateRoot)],
        ['Extrinsics root', code(header.extrinsicsRoot)],
      ]),
    ),
    ...(events === undefined
      ? [
          hint(
            'The node no longer keeps the state of this block, so its events and outcomes cannot be shown.',
          ),
        ]
      : []),
    ...extrinsics.map((extrinsic, i) => extrinsicNode(extrinsic, { block, index: i, metadata })),
    ...(own.length > 0 ? [section('Events of the block itself', ...own.map(eventNode))] : []),
  ];
}

interface Place {
  readonly block: Block;
  readonly index: number;
  readonly metadata: Metadata;
}

function extrinsicNode(extrinsic: DecodedExtrinsic, { block, index, metadata }: Place): HTMLElement {
  const events = block.events?.filter((event) => event.extrinsic === index);
  const nonce = extrinsic.extensions['CheckNonce'];
  return section(
    `${index}: ${extrinsic.pallet}.${extrinsic.call}`,
    facts([
      ['Outcome', ...outcomeOf(events, metadata)],
      ['Signer', extrinsic.signer ? valueNode(extrinsic.signer) : 'none: the block itself'],
      ...(nonce === undefined ? [] : [['Nonce', String(nonce)] as const]),
      ...feeOf(events),
      ['Hash', element('code', {}, extrinsic.hash)],
      ['Size', bytes(extrinsic.sizeBytes)],
    ]),
    element('h3', {}, 'Arguments'),
    fieldsNode(extrinsic.arguments),
    ...(events && events.length > 0
      ? [
          element(
            'details',
            {},
            element('summary', {}, `${events.length} event${events.length === 1 ? '' : 's'}`),
            ...events.map(eventNode),
          ),
        ]
      : []),
  );
}

function outcomeOf(events: readonly DecodedEvent[] | undefined, metadata: Metadata): [HTMLElement | string] {
  if (events === undefined) return ['unknown'];
  const failure = events.map((event) => failureOf(metadata, event)).find((name) => name !== undefined);
  if (failure !== undefined) return [element('strong', { class: 'bad' }, `failed: ${failure}`)];
  const isDone = events.some(({ name }) => name === 'ExtrinsicSuccess');
  return isDone ? [element('span', { class: 'good' }, 'success')] : ['unknown'];
}

function feeOf(events: readonly DecodedEvent[] | undefined): (readonly [string, string])[] {
  const paid = events?.find(({ name }) => name === 'TransactionFeePaid')?.fields['actual_fee'];
  return typeof paid === 'bigint' ? [['Fee', exactAlice(paid)]] : [];
}

function eventNode({ pallet, name, fields }: DecodedEvent): HTMLElement {
  return element('div', { class: 'event' }, element('h3', {}, `${pallet}.${name}`), fieldsNode(fields));
}

/** @file The status page: live figures of one Alice network. Every number comes from `/v1/status`; money from the chain. */
import type { NetworkStatus } from '@alice/protocol';
import { LossChart } from './chart.js';
import { byId, element } from './dom.js';
import { alice, bytes, compact, count, duration, exactAlice } from './format.js';
import { followStatus } from './liveStatus.js';
import { showTables } from './tables.js';

const chart = new LossChart(byId('chart'));

function tile(
  name: string,
  value: string,
  note = '',
  options: { good?: boolean; title?: string } = {},
): HTMLElement {
  return element(
    'div',
    { class: 'tile', ...(options.title ? { title: options.title } : {}) },
    element('div', { class: 'name' }, name),
    element('div', { class: 'value' }, value),
    element('div', { class: options.good ? 'note good' : 'note' }, note),
  );
}

function showTiles(status: NetworkStatus): void {
  const latest = status.versions.at(-1);
  const scored = status.versions.filter((v) => v.heldOutLossNats !== null).at(-1);
  const loss = scored?.heldOutLossNats ?? null;
  const under = loss === null ? 0 : status.uniformLossNats - loss;
  const underNote =
    loss === null
      ? 'not measured yet'
      : `${Math.abs(under).toFixed(2)} nats ${under >= 0 ? 'under' : 'over'} uniform guessing`;
  byId('tiles').replaceChildren(
    tile('held-out loss', loss === null ? '…' : `${loss.toFixed(3)}`, underNote, { good: under > 0 }),
    tile('model version', String(latest?.version ?? 0), `${count(status.model.parameters)} parameters`),
    tile(
      'tokens trained on',
      compact(latest?.trainedTokens ?? 0),
      `${bytes(latest?.uplinkBytes ?? 0)} of updates sent`,
    ),
    tile(
      'submissions accepted',
      count(status.submissions.accepted),
      `${count(Object.values(status.submissions.refused).reduce((a, b) => a + b, 0))} refused`,
    ),
    tile('epochs settled', count(status.epochs.length), `block ${count(status.chain.height)}`),
    tile('ALICE issued', alice(status.totalIssuancePlanck, 2), 'of at most 21\u202f000\u202f000', {
      title: exactAlice(status.totalIssuancePlanck),
    }),
  );
}

function showAlarms(status: NetworkStatus): void {
  const box = byId('alarms');
  box.hidden = status.alarms.length === 0;
  box.replaceChildren(
    ...status.alarms.map(({ code, message }) => element('p', {}, element('strong', {}, code), ` ${message}`)),
  );
}

function show(status: NetworkStatus): void {
  showAlarms(status);
  showTiles(status);
  byId('loss-hint').textContent =
    `Measured on text no miner ever sees. Uniform guessing over ${count(status.model.vocab)} tokens costs ${status.uniformLossNats.toFixed(3)} nats; the band is two standard errors.`;
  chart.show(status);
  showTables(status);
  byId('footer').textContent =
    `model ${status.model.name}, tokenizer ${status.model.tokenizer} · network ${status.networkId} · parameter server ${status.serverId} · up ${duration(status.serverTimeMs - status.startedAtMs)}`;
}

followStatus({
  onStatus: show,
  onConnection: (live) => {
    const line = byId('connection');
    line.className = live ? 'live' : '';
    line.textContent = live ? 'live' : 'the parameter server does not answer; trying again';
  },
});

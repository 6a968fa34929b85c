/** @file One settled epoch: what the parameter server reported, and each payout to the last planck, checked against the sum. */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import { type Payout, readEpochs, readPayouts, type SettledEpoch } from '../chain/epochs.js';
import { openChain } from '../chain/openChain.js';
import { element, facts, hint, link, section } from '../dom.js';
import { dateTime, duration, exactAlice, groups, percent, scoreNats } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { type Names, nameAddresses, who } from '../parts/people.js';
import { type Cell, Table } from '../parts/Table.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';

export function openEpoch(epoch: number): View {
  const notice = new ChainNotice();
  const about = element('div', {}, 'asking the chain …');
  const check = hint();
  const payouts = new Table({
    label: `Payouts of epoch ${epoch}`,
    columns: ['who', '#planck', '#share', 'role', '#score'],
    empty: 'nothing was paid',
  });
  let names: Names = new Map();
  let answer: { readonly info: SettledEpoch | undefined; readonly paid: readonly Payout[] } | undefined;
  const show = (): void => {
    if (!answer) return;
    const { info, paid } = answer;
    about.replaceChildren(info ? epochFacts(info) : `Epoch ${epoch} is not settled yet.`);
    payouts.show(payoutRows(paid, names, info?.mintedPlanck ?? 0n));
    if (info) check.textContent = sumText(paid, info.mintedPlanck);
  };
  const stop = untilAnswered(
    async () => {
      const open = await openChain();
      notice.follow(open);
      const [infos, paid] = await Promise.all([
        readEpochs(open.reader, [epoch]),
        readPayouts(open.reader, [epoch]),
      ]);
      answer = { info: infos[0], paid: paid[0] ?? [] };
      show();
      return infos[0] !== undefined;
    },
    (error) => about.replaceChildren(messageOf(error)),
  );
  return {
    title: `Epoch ${epoch}`,
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, `Epoch ${epoch}`),
      notice.node,
      element(
        'p',
        { class: 'hint' },
        link('#/epochs', 'All epochs'),
        ...(epoch > 0 ? [' · ', link(`#/epochs/${epoch - 1}`, 'the one before')] : []),
        ' · ',
        link(`#/epochs/${epoch + 1}`, 'the one after'),
      ),
      section('Report', about),
      section('Payouts, exact to the planck', check, payouts.node),
    ),
    onStatus: (status: NetworkStatus) => {
      notice.onStatus(status);
      names = nameAddresses(status);
      show();
    },
    close: () => {
      stop();
      notice.close();
    },
  };
}

function epochFacts(info: SettledEpoch): HTMLElement {
  return facts([
    ['Settled', dateTime(info.endedAtMs)],
    ['Length', duration(info.endedAtMs - info.startedAtMs)],
    ['Minted', exactAlice(info.mintedPlanck)],
    ['Model versions', `${info.fromVersion} → ${info.toVersion}`],
    ['Held-out loss', `${info.heldOutLossNats.toFixed(6)} nats`],
    ['Shards of data covered', String(info.shardsCovered)],
    ['State root', element('code', {}, info.stateRoot)],
    ['Receipts root', element('code', {}, info.receiptsRoot)],
  ]);
}

function payoutRows(paid: readonly Payout[], names: Names, minted: bigint): Cell[][] {
  return paid.map(({ address, role, scoreNanoNats, amountPlanck }) => [
    who(names, address),
    { text: groups(String(amountPlanck)), title: exactAlice(amountPlanck) },
    { text: minted === 0n ? '' : percent(Number((amountPlanck * 1_000_000n) / minted) / 1e6, 2) },
    { text: role },
    { text: role === 'training' ? `${scoreNats(scoreNanoNats)} nats` : groups(String(scoreNanoNats)) },
  ]);
}

/** Said either way: a sum that does not fit must be seen. */
export function sumText(paid: readonly Payout[], minted: bigint): string {
  const sum = paid.reduce((total, { amountPlanck }) => total + amountPlanck, 0n);
  return sum === minted
    ? `The payouts add up to exactly what was minted: ${groups(String(sum))} planck.`
    : `The payouts add up to ${groups(String(sum))} planck, but ${groups(String(minted))} were minted: this must never happen.`;
}

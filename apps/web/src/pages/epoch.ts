/** @file One settled epoch: what the parameter server reported, and each payout to the last planck, checked against the sum. */
import { messageOf, type NetworkStatus, PLANCK_PER_ALICE } from '@alice/protocol';
import { readEmissionFacts, readEpochs, type SettledEpoch } from '../chain/epochs.js';
import { openChain } from '../chain/openChain.js';
import { type Payout, type RolePayment, readPayouts, readRolePayments } from '../chain/payouts.js';
import { element, facts, hint, link, section } from '../dom.js';
import { dateTime, duration, exactAlice, groups, percent, roleScore } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import { PagedTable } from '../parts/PagedTable.js';
import { type Names, nameAddresses, who } from '../parts/people.js';
import type { Cell } from '../parts/Table.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';

const ROWS_PER_PAGE = 100;

interface EpochAnswer {
  /** `undefined` before it is settled, and where the chain no longer keeps it. */
  readonly info: SettledEpoch | undefined;
  readonly isSettled: boolean;
  /** `undefined` where the chain no longer keeps them. */
  readonly paid: readonly Payout[] | undefined;
  readonly shared: readonly RolePayment[];
}

export function openEpoch(epoch: number): View {
  const notice = new ChainNotice();
  const about = element('div', {}, 'asking the chain …');
  const check = hint();
  let names: Names = new Map();
  let answer: EpochAnswer | undefined;
  const payouts = new PagedTable({
    label: `Payouts of epoch ${epoch}`,
    columns: ['who', '#planck', '#share', 'role', '#score'],
    empty: 'nothing was paid',
    rowsPerPage: ROWS_PER_PAGE,
    turn: ['Previous', 'Next'],
    rows: async (from, length) => paidRows(answer, names).slice(from, from + length),
  });
  const showPayouts = (): void => {
    const { paid, shared = [] } = answer ?? {};
    void payouts.refresh((paid?.length ?? 0) + shared.length);
  };
  const show = ({ info, isSettled, paid, shared }: EpochAnswer): void => {
    about.replaceChildren(info ? epochFacts(info) : absence(epoch, isSettled));
    showPayouts();
    payouts.node.hidden = paid === undefined;
    if (info && paid) check.textContent = sumText([...paid, ...shared], info.mintedPlanck);
    else check.textContent = isSettled ? FORGOTTEN : '';
  };
  const stop = untilAnswered(
    async () => {
      const open = await openChain();
      notice.follow(open);
      const { reader } = open;
      const [{ currentEpoch }, [info], [paid], shared] = await Promise.all([
        readEmissionFacts(reader),
        readEpochs(reader, [epoch]),
        readPayouts(reader, [epoch]),
        readRolePayments(reader, epoch),
      ]);
      const isSettled = epoch < currentEpoch;
      answer = { info, isSettled, paid, shared };
      show(answer);
      return isSettled;
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
      showPayouts();
    },
    close: () => {
      stop();
      notice.close();
    },
  };
}

const absence = (epoch: number, isSettled: boolean): string =>
  isSettled
    ? `Epoch ${epoch} is settled, and older than the chain’s state goes back.`
    : `Epoch ${epoch} is not settled yet.`;

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

function paidRows(answer: EpochAnswer | undefined, names: Names): Cell[][] {
  if (!answer) return [];
  const { info, paid = [], shared } = answer;
  const minted = info?.mintedPlanck ?? 0n;
  return [
    ...paid.map((payout) => [
      ...moneyCells(payout, names, minted),
      { text: payout.role },
      { text: roleScore(payout.role, payout.scoreNanoNats) },
    ]),
    ...shared.map((payment) => [
      ...moneyCells(payment, names, minted),
      { text: `share of ${payment.role}` },
      { text: '–' },
    ]),
  ];
}

function moneyCells({ address, amountPlanck }: RolePayment, names: Names, minted: bigint): Cell[] {
  return [
    who(names, address),
    { text: groups(String(amountPlanck)), title: exactAlice(amountPlanck) },
    { text: minted === 0n ? '' : percent(Number((amountPlanck * 1_000_000n) / minted) / 1e6, 2) },
  ];
}

/** What the chain has dropped from its state is still in its blocks. */
const FORGOTTEN =
  'The chain’s state no longer keeps the payouts of this epoch; the events of the block that paid them, and each account’s sum, still tell.';

/** The unit of exact amounts, for who meets it the first time. */
export const PLANCK = `One ALICE is ${groups(String(PLANCK_PER_ALICE))} planck.`;

/** Said either way: a sum that does not fit must be seen. */
export function sumText(paid: readonly Pick<Payout, 'amountPlanck'>[], minted: bigint): string {
  const sum = paid.reduce((total, { amountPlanck }) => total + amountPlanck, 0n);
  return sum === minted
    ? `The payouts add up to exactly what was minted: ${groups(String(sum))} planck. ${PLANCK}`
    : `The payouts add up to ${groups(String(sum))} planck, but ${groups(String(minted))} were minted: this must never happen.`;
}

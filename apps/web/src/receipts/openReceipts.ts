/** @file The receipts of one miner: what each submission was found to be worth, and a button that checks it in this browser. */
import { messageOf, type NetworkStatus, type ReceiptList } from '@alice/protocol';
import { readEpochs } from '../chain/epochs.js';
import { openChain } from '../chain/openChain.js';
import { button, element, hint, link, section } from '../dom.js';
import { scoreNats, shortAddress, shortHash } from '../format.js';
import { refusalText } from '../parts/refusals.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { type Check, checkReceipt } from './checkReceipt.js';
import {
  readReceipt,
  readReceiptBlob,
  readReceiptProof,
  readReceipts,
  readVersion,
} from './receiptRoutes.js';

type Entry = ReceiptList['receipts'][number];
type Network = Pick<NetworkStatus, 'networkId' | 'serverId'>;

const MARK: Readonly<Record<Check['state'], string>> = { holds: '✓', fails: '✗', unknown: '?' };
const SHOWN = 50;

export function openReceipts([address = '']: readonly string[]): View {
  let network: Network | undefined;
  const notice = element('p', { class: 'notice waiting', role: 'status' }, 'asking for the receipts …');
  const list = element('ol', { class: 'list receipts' });
  const stop = untilAnswered(
    async () => {
      const { receipts } = await readReceipts(address);
      list.replaceChildren(...receipts.slice(0, SHOWN).map((entry) => item(entry, () => network)));
      notice.className = 'notice live';
      notice.textContent =
        receipts.length === 0
          ? 'no receipt yet: they are signed one version after a round has ended'
          : `${receipts.length} receipt${receipts.length === 1 ? '' : 's'}${receipts.length > SHOWN ? `, the newest ${SHOWN} are shown` : ''}`;
      return true;
    },
    (error) => {
      notice.textContent = `the receipts cannot be read: ${messageOf(error)}; trying again`;
    },
  );
  return {
    title: 'Receipts',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, `Receipts of ${shortAddress(address)}`),
      notice,
      section(
        'Judged submissions',
        hint(
          'The server signs what it measured. The button checks in this browser who signed, the bytes, the weights, and that the chain settled the epoch with this very receipt; ',
          element('code', {}, 'alice verify-score --submission ID'),
          ' also computes the losses again. ',
          link(`#/explorer/account/${address}`, 'The account on the chain'),
        ),
        list,
      ),
    ),
    onStatus: (status) => {
      network = status;
    },
    close: stop,
  };
}

function item(
  { submissionId, round, outcome, code, score, epoch }: Entry,
  network: () => Network | undefined,
): HTMLElement {
  const results = element('ul', { class: 'checks', 'aria-live': 'polite' });
  const verify = button('Verify in this browser', () => {
    verify.disabled = true;
    void verifyHere({ submissionId, epoch }, network())
      .then((checks) => results.replaceChildren(...checks.map(checkLine)))
      .catch((error: unknown) => results.replaceChildren(element('li', { class: 'bad' }, messageOf(error))))
      .finally(() => {
        verify.disabled = false;
      });
  });
  verify.setAttribute('aria-label', `Verify in this browser: ${submissionId}`);
  const worth =
    outcome === 'accepted'
      ? `accepted, score ${scoreNats(score)} nats`
      : `refused: ${refusalText(code ?? 'no code')}`;
  const paid = epoch === null ? 'not in an epoch yet' : link(`#/epochs/${epoch}`, `epoch ${epoch}`);
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'row' },
      element(
        'span',
        {},
        element('code', { title: submissionId }, shortHash(submissionId)),
        ` round ${round}: ${worth}; `,
        paid,
      ),
      verify,
    ),
    results,
  );
}

async function verifyHere(
  { submissionId, epoch }: Pick<Entry, 'submissionId' | 'epoch'>,
  network: Network | undefined,
): Promise<Check[]> {
  if (!network) throw new Error('the parameter server has not told its network yet: try again in a moment');
  const signed = await readReceipt(submissionId);
  return await checkReceipt(signed, {
    ...{ networkId: network.networkId, serverId: network.serverId },
    ...{ blob: readReceiptBlob, version: readVersion },
    ...{ epoch, proof: readReceiptProof },
    settledRoot: (settled) => settledRoot(settled, network.networkId),
  });
}

async function settledRoot(epoch: number, networkId: string): Promise<string> {
  const { reader } = await openChain();
  if ((await reader.genesisHash()) !== networkId) throw new Error('the chain node is of another network');
  const [settled] = await readEpochs(reader, [epoch]);
  if (!settled) throw new Error(`the chain’s state does not hold epoch ${epoch}`);
  return settled.receiptsRoot;
}

const checkLine = ({ what, state, detail }: Check): HTMLElement =>
  element(
    'li',
    { class: state === 'holds' ? 'good' : state === 'fails' ? 'bad' : '' },
    `${MARK[state]} ${what}: `,
    element('span', { class: 'wrap' }, detail),
  );

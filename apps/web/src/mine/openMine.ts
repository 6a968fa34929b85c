/**
 * @file The mine page: one button that lets this browser train the model for pay. The miner itself is the page's, not
 * this view's: it goes on while other pages are looked at, and ends with the tab.
 */
import type { NetworkStatus } from '@alice/protocol';
import { element, hint, section } from '../dom.js';
import { dateTime } from '../format.js';
import { ChainNotice } from '../parts/chainNotice.js';
import type { View } from '../view.js';
import { WalletStore } from '../wallet/walletStore.js';
import { type Earnings, followEarnings } from './earnings.js';
import { keySection } from './keySection.js';
import { mineControls } from './mineControls.js';
import type { MineFigures } from './mineFigures.js';
import { mineSettingsForm } from './mineSettingsForm.js';
import { mineTiles } from './mineTiles.js';
import { canTellBattery } from './pauseReasons.js';
import { changeSettings, cores, currentSettings, theMiner } from './theMiner.js';

export function openMine(): View {
  let status: NetworkStatus | undefined;
  let earnings: Earnings | undefined;
  let followed = '';
  let stopFollowing: () => void = () => undefined;
  const notice = new ChainNotice();
  notice.node.hidden = true; // nothing is asked of the chain before there is a key
  const tiles = element('div');
  const log = element('ul', { class: 'log', 'aria-label': 'What happened' });
  const wallets = walletsHere();
  const key = keySection(theMiner);
  const controls = mineControls({
    start: () => void start(wallets.map(({ address }) => address)),
    stop: () => theMiner.stop(),
    pause: (on) => theMiner.pause('person', on),
  });
  const form = mineSettingsForm({
    settings: currentSettings(),
    cores,
    canThread: window.crossOriginIsolated,
    canTellBattery: canTellBattery(),
    wallets,
    onChange: (change) => {
      changeSettings(change);
      show();
    },
  });
  const follow = (address: string): void => {
    if (address === followed) return;
    followed = address;
    notice.node.hidden = false;
    stopFollowing();
    earnings = undefined;
    stopFollowing = followEarnings(address, notice, (found) => {
      earnings = found;
      show();
    });
  };
  const show = (): void => {
    const { state } = theMiner;
    const { figures } = state;
    const { address, payTo } = currentSettings();
    if (figures.address !== undefined && figures.address !== address)
      changeSettings({ address: figures.address });
    const own = figures.address ?? address;
    if (payTo || own) follow(payTo || own);
    controls.show(state);
    form.lock(state.phase !== 'off');
    key.show(own);
    tiles.replaceChildren(mineTiles({ figures, address: own, status, earnings }));
    showLog(log, figures);
  };
  const stopListening = theMiner.onChange(show);
  show();
  return {
    title: 'Mine',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Train the model in this browser'),
      section(
        'Mining',
        hint(
          'This tab takes tasks, trains the model on them and sends what it learned. Updates that lower the loss are paid in ALICE when an epoch settles. It fetches about 5 MB and goes on while you look at other pages here.',
        ),
        controls.node,
        tiles,
        notice.node,
      ),
      element('div', { class: 'columns' }, section('What happened', log), section('How to mine', form.node)),
      key.node,
    ),
    onStatus: (now) => {
      status = now;
      notice.onStatus(now);
      show();
    },
    close: () => {
      stopListening();
      stopFollowing();
      notice.close();
    },
  };
}

async function start(known: readonly string[]): Promise<void> {
  const { device, threads, payTo } = currentSettings();
  void navigator.storage?.persist?.().catch(() => false); // asks the browser not to clear the residual away
  await theMiner.start({
    serverUrl: new URL('.', document.baseURI).href,
    rewardAddress: known.includes(payTo) ? payTo : undefined,
    device,
    threads: window.crossOriginIsolated ? threads : 1,
    deviceName: browserName(),
    memoryBytes: Math.round(((navigator as { deviceMemory?: number }).deviceMemory ?? 0) * 2 ** 30),
  });
}

/** Wallets whose storage cannot be read are simply not offered; the wallet page says why. */
function walletsHere(): readonly { readonly name: string; readonly address: string }[] {
  try {
    return new WalletStore(window.localStorage).list();
  } catch {
    return [];
  }
}

function browserName(): string {
  const found = /(Firefox|Edg|OPR|Chrome|Version)\/(\d+)/g;
  const names = [...navigator.userAgent.matchAll(found)].map(([, name, version]) => `${name} ${version}`);
  return (names.at(-1) ?? 'browser').replace('Version', 'Safari').replace('Edg ', 'Edge ').slice(0, 80);
}

function showLog(list: HTMLElement, { log }: MineFigures): void {
  const lines = log.map(({ atMs, text, kind }) =>
    element(
      'li',
      { class: kind === 'plain' ? '' : kind },
      element('time', {}, dateTime(atMs).slice(11)),
      ` ${text}`,
    ),
  );
  list.replaceChildren(...(lines.length > 0 ? lines : [element('li', {}, 'nothing yet')]));
}

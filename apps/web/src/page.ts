/**
 * @file The app: one page, hash routes, live figures. The overview and the tables come with the first load; what talks to
 * the chain and what holds keys is fetched when it is first opened.
 */
import { messageOf, type NetworkStatus } from '@alice/protocol';
import { byId, element } from './dom.js';
import { followStatus } from './liveStatus.js';
import { openMiners } from './pages/miners.js';
import { openModel } from './pages/model.js';
import { openOverview } from './pages/overview.js';
import { parseRoute } from './router.js';
import type { OpenView, View } from './view.js';

/** How each page is got; the later imports are files of their own. */
const pages: Readonly<Record<string, () => Promise<OpenView>>> = {
  overview: async () => openOverview,
  model: async () => openModel,
  miners: async () => openMiners,
  mine: async () => (await import('./mine/openMine.js')).openMine,
  epochs: async () => {
    const [{ openEpochs }, { openEpoch }] = await Promise.all([
      import('./pages/epochs.js'),
      import('./pages/epoch.js'),
    ]);
    return ([epoch]) => (epoch && /^\d{1,9}$/.test(epoch) ? openEpoch(Number(epoch)) : openEpochs());
  },
  chat: async () => (await import('./chat/openChat.js')).openChat,
  attacks: async () => (await import('./attacks/openAttacks.js')).openAttacks,
  receipts: async () => (await import('./receipts/openReceipts.js')).openReceipts,
  explorer: async () => (await import('./explorer/openExplorer.js')).openExplorer,
  wallet: async () => (await import('./wallet/openWallet.js')).openWallet,
};

let view: View | undefined;
let status: NetworkStatus | undefined;
let opened = 0;
/** The page asked for could not be fetched: it is asked for again as soon as the server answers. */
let isMissing = false;

async function show(isFirst: boolean): Promise<void> {
  const mine = ++opened;
  const { page, parameters } = parseRoute(window.location.hash);
  const next = await openPage(page, parameters);
  if (mine !== opened) return next.close?.();
  view?.close?.();
  view = next;
  byId('view').replaceChildren(next.node);
  document.title = `${next.title} · Alice`;
  for (const anchor of document.querySelectorAll('#pages a'))
    if (anchor.getAttribute('href') === `#/${page === 'overview' ? '' : page}`)
      anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  if (status) next.onStatus?.(status);
  if (isFirst) return;
  window.scrollTo(0, 0);
  next.node.querySelector('h1')?.focus();
}

async function openPage(page: string, parameters: readonly string[]): Promise<View> {
  const get = Object.hasOwn(pages, page) ? pages[page] : undefined;
  if (!get) return problemView('There is no such page', `"${page}" is none of the pages above.`);
  try {
    const open = await get();
    isMissing = false;
    return open(parameters);
  } catch (error) {
    isMissing = true;
    return problemView(
      'This page could not be loaded',
      `It is tried again as soon as the parameter server answers (${messageOf(error)}). If it does not come then, reload.`,
    );
  }
}

/** Tries the page that could not be fetched again; until it comes, what is shown stays. */
async function showMissing(): Promise<void> {
  const { page } = parseRoute(window.location.hash);
  const isThere = await pages[page]?.().then(
    () => true,
    () => false,
  );
  if (isThere && isMissing) await show(false);
}

const problemView = (title: string, text: string): View => ({
  title,
  node: element('div', {}, element('h1', { tabindex: '-1' }, title), element('p', {}, text)),
});

followStatus({
  onStatus: (now) => {
    status = now;
    view?.onStatus?.(now);
  },
  onConnection: (isLive) => {
    const line = byId('connection');
    const text = connectionText(isLive);
    line.className = text === 'live' ? 'live' : '';
    if (line.textContent !== text) line.textContent = text;
    if (isLive && isMissing) void showMissing();
  },
});

function connectionText(isLive: boolean): string {
  if (!isLive) return 'the parameter server does not answer; trying again';
  return status?.chain.reachable === false ? 'the chain does not answer; trying again' : 'live';
}

window.addEventListener('hashchange', () => void show(false));
byId('skip').addEventListener('click', (event) => {
  event.preventDefault(); // the hash is the router's
  byId('view').querySelector('h1')?.focus();
});
void show(true);

/**
 * @file The explorer's addresses: `#/explorer`, `#/explorer/block/12`, `#/explorer/account/a2…`, `#/explorer/accounts`.
 * Loaded when first opened.
 */
import type { View } from '../view.js';
import { openAccountPage } from './accountPage.js';
import { openAccountsPage } from './accountsPage.js';
import { openBlockPage } from './blockPage.js';
import { openBlocksPage } from './blocksPage.js';

export function openExplorer([kind, which]: readonly string[]): View {
  if (kind === 'block' && which) return openBlockPage(which);
  if (kind === 'account' && which) return openAccountPage(which);
  return kind === 'accounts' ? openAccountsPage() : openBlocksPage();
}

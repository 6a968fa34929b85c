/**
 * @file The address book: names of other people's addresses in `contacts.json` beside the wallets. Names follow the
 * rule of wallet names, and a name is either a wallet or a contact, never both, so that it means one address.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, parseAddress } from '@alice/protocol';
import { CliError } from '../errors.js';
import { listWallets, walletPath } from './walletStore.js';

export interface Contact {
  readonly name: string;
  readonly address: Address;
}

const contactsFile = (dir: string): string => join(dir, 'contacts.json');
export const walletFolder = (dir: string): string => join(dir, 'wallets');

/** By name. Throws `CONTACTS_UNREADABLE`. */
export function listContacts(dir: string): Contact[] {
  const path = contactsFile(dir);
  if (!existsSync(path)) return [];
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    return Object.entries(stored).map(([name, address]) => ({ name, address: parseAddress(address) }));
  } catch {
    throw new CliError(
      { code: 'CONTACTS_UNREADABLE', path },
      `${path} is not an address book: correct it (a JSON object of names and addresses) or remove it`,
    );
  }
}

/** Throws `OPTION_INVALID`, `WALLET_EXISTS`, `CONTACT_EXISTS`. */
export function addContact(dir: string, contact: Contact): void {
  const { name, address } = contact;
  walletPath(walletFolder(dir), name);
  if (listWallets(walletFolder(dir)).some((wallet) => wallet.name === name))
    throw new CliError(
      { code: 'WALLET_EXISTS', name },
      `"${name}" is one of your wallets: choose another name`,
    );
  refuseContactName(dir, name);
  save(dir, [...listContacts(dir), { name, address }]);
}

/** Throws `CONTACT_EXISTS` for the name of a contact. */
export function refuseContactName(dir: string, name: string): void {
  if (!listContacts(dir).some((contact) => contact.name === name)) return;
  throw new CliError(
    { code: 'CONTACT_EXISTS', name },
    `there is a contact "${name}" already: remove it first, or choose another name`,
  );
}

/** Returns the removed one. Throws `CONTACT_NOT_FOUND`. */
export function removeContact(dir: string, name: string): Contact {
  const known = listContacts(dir);
  const gone = known.find((contact) => contact.name === name);
  if (!gone)
    throw new CliError(
      { code: 'CONTACT_NOT_FOUND', name },
      `no contact "${name}": "alice wallet contacts list" shows them`,
    );
  save(
    dir,
    known.filter((contact) => contact !== gone),
  );
  return gone;
}

function save(dir: string, contacts: readonly Contact[]): void {
  mkdirSync(dir, { recursive: true });
  const path = contactsFile(dir);
  const sorted = [...contacts].sort((a, b) => (a.name < b.name ? -1 : 1));
  const stored = Object.fromEntries(sorted.map(({ name, address }) => [name, address]));
  writeFileSync(`${path}.tmp`, `${JSON.stringify(stored, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** What a person calls an address: a wallet in DIR, a contact, or the address itself. Throws `WALLET_NOT_FOUND`. */
export function addressNamed(who: string, dir: string): Address {
  const wallet = listWallets(walletFolder(dir)).find(({ name }) => name === who);
  if (wallet) return parseAddress(wallet.address);
  const contact = listContacts(dir).find(({ name }) => name === who);
  if (contact) return contact.address;
  if (who.length > 40) return parseAddress(who);
  throw new CliError(
    { code: 'WALLET_NOT_FOUND', name: who },
    `no wallet or contact "${who}" in ${dir}: "alice wallet list" and "alice wallet contacts list" show them`,
  );
}

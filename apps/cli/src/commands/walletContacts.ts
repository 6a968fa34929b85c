/** @file `alice wallet contacts`: names for addresses that are used again. */
import { resolve } from 'node:path';
import { initCrypto, parseAddress } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { addContact, type Contact, listContacts, removeContact } from '../wallet/contacts.js';
import { DEFAULT_DIR } from './common.js';

interface Flags {
  readonly dir: string;
  readonly json?: boolean;
}

const base = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--dir <dir>', 'the address book is DIR/contacts.json', DEFAULT_DIR)
    .option('--json', 'answer as JSON');

function print({ json }: Flags, value: unknown, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}

const line = ({ name, address }: Contact): string => `${name.padEnd(12)} ${address}`;

export function contactsCommand(): Command {
  const contacts = new Command('contacts')
    .description('an address book: its names can be used wherever a command takes an address of the chain')
    .addHelpText(
      'after',
      `
Examples:
  alice wallet contacts add carol a2v…            remember an address
  alice wallet transfer 1.5 carol                 and pay it by its name`,
    );
  contacts.addCommand(
    base('add', 'remember an address under a name')
      .argument('<name>', 'letters, digits, "-" and "_"; not the name of a wallet')
      .argument('<address>', 'an address of the chain')
      .action(async (name: string, text: string, flags: Flags) => {
        await initCrypto();
        const contact = { name, address: parseAddress(text) };
        addContact(resolve(flags.dir), contact);
        print(flags, contact, [line(contact)]);
      }),
  );
  contacts.addCommand(
    base('list', 'all names and addresses').action(async (flags: Flags) => {
      await initCrypto();
      const all = listContacts(resolve(flags.dir));
      const none = 'no contacts: add one with "alice wallet contacts add NAME ADDRESS"';
      print(flags, all, all.length > 0 ? all.map(line) : [none]);
    }),
  );
  contacts.addCommand(
    base('remove', 'forget a name')
      .argument('<name>', 'as the list shows it')
      .action(async (name: string, flags: Flags) => {
        await initCrypto();
        const gone = removeContact(resolve(flags.dir), name);
        print(flags, gone, [`${pc.dim('removed')} ${line(gone)}`]);
      }),
  );
  return contacts;
}

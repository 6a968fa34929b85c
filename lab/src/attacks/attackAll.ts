/**
 * @file A process of its own in which every attack runs over and over against the server named in its arguments, until it is
 * killed; when asked it says how often one was begun. At the lowest priority: attackers are other machines, and what they take
 * of the server's is measured, not that they compute on the same processor here.
 */
import { constants, setPriority } from 'node:os';
import { modelLayout } from '@alice/model';
import { initCrypto } from '@alice/protocol';
import { labModel } from '../network/settings.js';
import { protocolAttacks } from './protocolAttacks.js';

/** What waits for a merged round is no load. */
const WAITS: ReadonlySet<string> = new Set(['nonce-replay', 'token-theft']);

const [url, honestAddress, only] = process.argv.slice(2) as [string, string, string?];
setPriority(constants.priority.PRIORITY_LOW);
await initCrypto();
const target = { url, honestAddress, layout: modelLayout(labModel) };
let begun = 0;
process.on('message', () => process.send!(begun));
for (const { name, run } of protocolAttacks)
  if (!WAITS.has(name) && (only === undefined || only === name)) void repeat(run);
process.send!('attacking');

async function repeat(run: (typeof protocolAttacks)[number]['run']): Promise<void> {
  for (;;) {
    begun++;
    await run(target).catch(() => undefined); // refused, as it should be
  }
}

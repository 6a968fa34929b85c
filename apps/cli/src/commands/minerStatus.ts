/** @file `alice miner status` and `alice miner estimate`: what a miner did, why it was paid or not, what it may earn. */
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import {
  formatAlice,
  initCrypto,
  type NetworkStatus,
  parseAddress,
  type ReceiptList,
  refusalOf,
  type ServerCallError,
  ServerClient,
} from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { firstRun, firstRunLines } from '../miner/firstRun.js';
import { type PayReason, payReason } from '../miner/payReason.js';
import { integerOption, urlOption } from '../options.js';
import { CA_OPTION, hasRunTrusting } from '../process/trustedCa.js';
import { readKeystore, walletPath } from '../wallet/walletStore.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL } from './common.js';

interface StatusFlags {
  server: string;
  ca?: string;
  wallet: string;
  keyFile?: string;
  address?: string;
  rewardAddress?: string;
  dir: string;
  json?: boolean;
}

const serverOption = (command: Command): Command =>
  command
    .option('--server <url>', 'the parameter server', urlOption('--server'), DEFAULT_SERVER_URL)
    .option(...CA_OPTION);

export function minerStatusCommand(): Command {
  return serverOption(
    new Command('status').description('what a miner did, what it earned, and why it was or was not paid'),
  )
    .option('--address <address>', 'the miner to ask about (default: that of the wallet)')
    .option('--reward-address <address>', 'where its rewards go (default: where its newest receipt says)')
    .option('--wallet <name>', 'wallet in DIR/wallets', 'default')
    .option('--key-file <file>', 'keystore of the miner; no password is needed')
    .option('--dir <dir>', 'folder of the miner', join(DEFAULT_DIR, 'miner'))
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Examples:
  alice miner status
  alice miner status --key-file .alice/wallets/miner-1.json
  alice miner status --address a2...`,
    )
    .action(async (flags: StatusFlags) => {
      if (await hasRunTrusting(flags.ca)) return;
      await initCrypto();
      const address = addressOf(flags);
      const client = new ServerClient({ url: flags.server, attempts: 2 });
      const [status, { receipts }, banned] = await Promise.all([
        client.status(),
        client.call('receipts', { params: { address } }),
        whyBanned(client, address),
      ]);
      const paidTo =
        flags.rewardAddress === undefined
          ? await rewardAddressOf(client, receipts, address)
          : parseAddress(flags.rewardAddress);
      const reason = payReason({ ...status, receipts, banned }, address, paidTo);
      const facts = { address, paidTo, ...reason, ...totals(status, address, paidTo) };
      if (flags.json) process.stdout.write(`${JSON.stringify(facts)}\n`);
      else process.stdout.write(`${statusLines(facts).join('\n')}\n`);
    });
}

interface EstimateFlags {
  server: string;
  ca?: string;
  threads: number;
  json?: boolean;
}

export function minerEstimateCommand(): Command {
  return serverOption(
    new Command('estimate').description(
      'measure this machine on the network’s model and estimate its earnings',
    ),
  )
    .option(
      '--threads <n>',
      'processor threads to use',
      integerOption('--threads', 1, 256),
      availableParallelism(),
    )
    .option('--json', 'answer as JSON')
    .action(async ({ server, ca, threads, json }: EstimateFlags) => {
      if (await hasRunTrusting(ca)) return;
      const report = await firstRun({ serverUrl: server, threads, quiet: json ?? false });
      if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
      else process.stdout.write(`${firstRunLines(report).join('\n')}\n`);
    });
}

/** An address is public: an encrypted keystore tells it without its password. */
function addressOf({ address, keyFile, wallet, dir }: StatusFlags): string {
  if (address !== undefined) return parseAddress(address);
  return parseAddress(readKeystore(keyFile ?? walletPath(join(resolve(dir), 'wallets'), wallet)).address);
}

/** Anyone may ask for a challenge in any name; whoever is excluded gets the reason instead. Other troubles say nothing. */
async function whyBanned(client: ServerClient, address: string): Promise<string | undefined> {
  const device = {
    kind: 'cpu',
    name: 'alice miner status',
    threads: 1,
    memoryBytes: 0,
    software: '',
  } as const;
  try {
    await client.call('challenge', { body: { address, instance: 'status', role: 'miner', device } });
    return undefined;
  } catch (error) {
    if (refusalOf(error) !== 'BANNED') return undefined;
    const { info } = error as ServerCallError;
    return info.code === 'SERVER_REFUSED' ? String(info.detail['reason']) : undefined;
  }
}

/** What is paid elsewhere would look unpaid; the newest receipt tells where its score goes. */
async function rewardAddressOf(
  client: ServerClient,
  [newest]: ReceiptList['receipts'],
  address: string,
): Promise<string> {
  if (newest === undefined) return address;
  const { receipt } = await client.call('receipt', { params: { submissionId: newest.submissionId } });
  return receipt.rewardAddress;
}

interface Totals {
  readonly accepted: number;
  readonly refused: number;
  readonly lastSeenMs: number | null;
  /** Of the epochs the status lists. */
  readonly paidPlanck: string;
}

function totals({ miners, epochs }: NetworkStatus, address: string, paidTo: string): Totals {
  const own = miners.filter((m) => m.address === address);
  const paid = epochs
    .flatMap(({ payouts }) => payouts)
    .filter((payout) => payout.address === paidTo)
    .reduce((sum, { amountPlanck }) => sum + BigInt(amountPlanck), 0n);
  return {
    accepted: own.reduce((sum, m) => sum + m.accepted, 0),
    refused: own.reduce((sum, m) => sum + m.refused, 0),
    lastSeenMs: own.length === 0 ? null : Math.max(...own.map((m) => m.lastSeenMs)),
    paidPlanck: paid.toString(),
  };
}

function statusLines(facts: { address: string; paidTo: string } & PayReason & Totals): string[] {
  const { address, paidTo, code, sentence, accepted, refused, lastSeenMs, paidPlanck } = facts;
  const seen = lastSeenMs === null ? 'not lately' : new Date(lastSeenMs).toISOString();
  return [
    `${code === 'PAID' ? pc.green(code) : pc.yellow(code)}: ${sentence}`,
    `  address    ${address}${paidTo === address ? '' : `, paid to ${paidTo}`}`,
    `  updates    ${accepted} accepted, ${refused} refused`,
    `  paid       ${formatAlice(BigInt(paidPlanck))} ALICE in the last epochs`,
    `  last seen  ${seen}`,
  ];
}

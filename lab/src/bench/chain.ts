/**
 * @file What the chain carries on this machine: keep-alive transfers per second through the public RPC with every
 * signature checked, by one node and by four validators, the time between blocks meanwhile, how long an epoch of 10,000
 * miners takes, and what an account costs on disk. Node and sender share the processors; transactions are signed before
 * the clock starts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChainSpec, findCometbft } from '@alice/node';
import {
  addressOf,
  encodeCall,
  type HexString,
  initCrypto,
  type KeyPair,
  keyPairFromSeed,
  PLANCK_PER_ALICE,
  sha256,
  signExtrinsicV4,
  toHex,
  utf8,
} from '@alice/protocol';
import { startNetwork, VALIDATORS } from './chainBft.js';
import { ChainRpc } from './chainRpc.js';
import { measureSettlements, type SettlementSeconds } from './chainSettlement.js';
import type { Bench, Figure } from './figure.js';

const SECONDS = Number(process.env['ALICE_BENCH_SECONDS'] ?? '20');
const SENDERS = 100;
const BLOCK_MS = 1000;
const SETTLING_BLOCK_MS = 250;
const BATCH = 50;
/** The sender waits while more than this is in the pool, so that a block is never short of transactions. */
const POOL_TARGET = 5000;
const MINERS = 10_000;
const ALREADY_IMPORTED = 1013;
const GOALS = { soloTps: 1500, bftTps: 400, settleSeconds: 2 };
/** Requests under way at once; an account always uses the same one, so that its nonces come in order. */
const LANES = 4;

export const chainBench: Bench = {
  name: 'chain',
  about: `transfers per second for ${SECONDS} s, block times, an epoch of ${MINERS} miners, bytes per account`,
  async run(say) {
    await initCrypto();
    const dir = mkdtempSync(join(tmpdir(), 'alice-bench-chain-'));
    try {
      const { tps, blockP95Ms } = await measureSolo(join(dir, 'tps'), say);
      say(`${tps.toFixed(0)} transfers/s, 95 % of blocks within ${blockP95Ms} ms`);
      const bft = await measureBft(join(dir, 'bft'), say);
      say(
        bft
          ? `${bft.tps.toFixed(0)} transfers/s with ${VALIDATORS} validators, blocks within ${bft.blockP95Ms} ms`
          : 'no cometbft program (ALICE_COMETBFT): bft4_tps is not measured',
      );
      const settle = await measureSettlement(join(dir, 'settle'));
      say(`epoch of ${MINERS} miners: ${settle.oneCall.toFixed(2)} s, in pages ${settle.pages.toFixed(2)} s`);
      const bytes = await measureAccounts(join(dir, 'accounts'));
      return figures({ tps, blockP95Ms, settle, bytes, bft });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

function figures(of: {
  tps: number;
  blockP95Ms: number;
  settle: SettlementSeconds;
  bytes: number;
  bft: Measured | undefined;
}): Figure[] {
  const bft: Figure[] = of.bft
    ? [
        {
          name: 'bft4_tps',
          value: of.bft.tps,
          unit: 'tx/s',
          baseline: GOALS.bftTps,
          note: `baseline: the goal; the same with ${VALIDATORS} validators on CometBFT on this machine`,
        },
        {
          name: 'bft4_block_p95_ms',
          value: of.bft.blockP95Ms,
          unit: 'ms',
          baseline: BLOCK_MS,
          note: 'baseline: the pause set after each block; between blocks, under that load',
        },
      ]
    : [];
  return [
    ...bft,
    {
      name: 'solo_tps',
      value: of.tps,
      unit: 'tx/s',
      baseline: GOALS.soloTps,
      note: `baseline: the goal; keep-alive transfers over RPC, ${SECONDS} s, signatures checked`,
    },
    {
      name: 'block_p95_ms',
      value: of.blockP95Ms,
      unit: 'ms',
      baseline: BLOCK_MS,
      note: 'baseline: the interval set; between blocks, under that load',
    },
    {
      name: 'settle_10k_s',
      value: of.settle.oneCall,
      unit: 's',
      baseline: GOALS.settleSeconds,
      note: 'baseline: the goal; from submission to the committed block, 10,000 new accounts',
    },
    {
      name: 'settle_10k_pages_s',
      value: of.settle.pages,
      unit: 's',
      baseline: GOALS.settleSeconds,
      note: `baseline: the goal; the same in ten pages, until all are paid, blocks every ${SETTLING_BLOCK_MS} ms`,
    },
    {
      name: 'bytes_per_account',
      value: of.bytes,
      unit: 'B',
      baseline: 160,
      note: 'baseline: key and value alone; growth of the database file',
    },
  ];
}

const keyOf = (name: string): KeyPair => keyPairFromSeed(sha256(utf8.encode(`bench ${name}`)));

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

function specOf(accounts: readonly string[]): ChainSpec {
  const server = keyOf('server').address;
  return {
    chainName: 'Bench',
    timestampMs: Date.now() - 86_400_000,
    balances: [...accounts, server].map((address) => ({
      address,
      planck: (10n * PLANCK_PER_ALICE).toString(),
    })),
    parameterServer: server,
    feeCollector: keyOf('collector').address,
  };
}

async function startChain(dir: string, accounts: readonly string[], blockMs: number): Promise<Running> {
  const spec = specOf(accounts);
  const specFile = `${dir}.json`;
  writeFileSync(specFile, JSON.stringify(spec));
  const script = join(fileURLToPath(new URL('.', import.meta.url)), 'chainNode.js');
  const child = fork(script, [dir, specFile, String(blockMs)]);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message: { url: string }) => resolve(message.url));
    void exited.then(() => reject(new Error('the node did not start')));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url, child, stop };
}

/** Everything that is sent, signed beforehand: one list per sender, in the order of its nonces. */
function signTransfers(count: number, genesisHash: HexString): HexString[][] {
  const signing = { genesisHash, specVersion: 0, transactionVersion: 0 };
  const call = encodeCall.transferKeepAlive({ to: keyOf('0').address, planck: 1000n });
  const other = encodeCall.transferKeepAlive({ to: keyOf('1').address, planck: 1000n });
  return Array.from({ length: SENDERS }, (_, sender) => {
    const keyPair = keyOf(String(sender));
    const each = Math.ceil(count / SENDERS);
    return Array.from({ length: each }, (_, nonce) =>
      toHex(signExtrinsicV4({ call: sender === 0 ? other : call, keyPair, nonce, ...signing, ...versions })),
    );
  });
}

/** As the node reports them; set once connected. */
const versions = { specVersion: 0, transactionVersion: 0 };

const senderAddresses = (): string[] => Array.from({ length: SENDERS }, (_, i) => keyOf(String(i)).address);

async function measureSolo(dir: string, say: (line: string) => void): Promise<Measured> {
  const chain = await startChain(dir, senderAddresses(), BLOCK_MS);
  try {
    return await measureTransfers([chain.url], { mostPerSecond: 4000, say });
  } finally {
    await chain.stop();
  }
}

/** Four validators; `undefined` where there is no `cometbft` program. */
async function measureBft(dir: string, say: (line: string) => void): Promise<Measured | undefined> {
  const bin = findCometbft();
  if (bin === undefined) return undefined;
  mkdirSync(dir, { recursive: true });
  const network = await startNetwork({ bin, dir, spec: specOf(senderAddresses()), blockMs: BLOCK_MS });
  try {
    return await measureTransfers(network.urls, { mostPerSecond: 1500, say });
  } finally {
    await network.stop();
  }
}

interface Measured {
  readonly tps: number;
  readonly blockP95Ms: number;
}

/** Sends for `SECONDS` to all nodes, every account to one of them; counts what came into blocks. */
async function measureTransfers(
  urls: readonly string[],
  { mostPerSecond, say }: { mostPerSecond: number; say: (line: string) => void },
): Promise<Measured> {
  const rpcs = urls.map((url) => new ChainRpc(url));
  const rpc = rpcs[0]!;
  Object.assign(versions, await rpc.ask('state_getRuntimeVersion'));
  const genesisHash = await rpc.ask<HexString>('chain_getBlockHash', 0);
  const signed = signTransfers(SECONDS * mostPerSecond, genesisHash);
  say(`signed ${signed.length * signed[0]!.length} transfers from ${SENDERS} accounts`);
  // CometBFT's first block carries the time of the genesis.
  while ((await headNumber(rpc)) < 2) await new Promise((resolve) => setTimeout(resolve, 50));
  const from = await headNumber(rpc);
  const cpuBefore = process.cpuUsage();
  const refused = await send(rpcs, signed, Date.now() + SECONDS * 1000);
  if (refused) throw new Error(`a transfer was refused: ${refused}`);
  const { user, system } = process.cpuUsage(cpuBefore);
  say(`the sender took ${((user + system) / 1e6 / SECONDS).toFixed(2)} cores`);
  return readBlocks(rpc, from, await headNumber(rpc));
}

async function headNumber(rpc: ChainRpc): Promise<number> {
  return (await rpc.ask<{ headNumber: number }>('alice_health')).headNumber;
}

/** Keeps the pools filled until the time is over; returns the first refusal, if any. */
async function send(
  rpcs: readonly ChainRpc[],
  signed: HexString[][],
  untilMs: number,
): Promise<string | undefined> {
  let refused: string | undefined;
  const oneLane = async (lane: number): Promise<void> => {
    const rpc = rpcs[lane % rpcs.length]!;
    const mine = signed.filter((_, sender) => sender % LANES === lane);
    const order = mine[0]!.flatMap((_, nonce) => mine.map((own) => own[nonce]!));
    for (let at = 0; at < order.length && Date.now() < untilMs && refused === undefined; ) {
      const { poolCount } = await rpc.ask<{ poolCount: number }>('alice_health');
      if (poolCount > POOL_TARGET) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      const slice = order.slice(at, at + BATCH);
      at += slice.length;
      const replies = await rpc.batch(
        slice.map((extrinsic) => ({ method: 'author_submitExtrinsic', params: [extrinsic] })),
      );
      // A batch that was sent again is there already.
      const failed = replies.find(({ error }) => error && error.code !== ALREADY_IMPORTED);
      if (failed) refused ??= `${failed.error!.message} ${failed.error!.data ?? ''}`;
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, lane) => oneLane(lane)));
  return refused;
}

/** Transfers per second over whole blocks, and the 95th percentile of the time between them. */
async function readBlocks(rpc: ChainRpc, first: number, last: number) {
  const times: number[] = [];
  let transfers = 0;
  for (let number = first + 1; number <= last; number++) {
    const hash = await rpc.ask('chain_getBlockHash', number);
    const { block } = await rpc.ask<{ block: { extrinsics: string[] } }>('chain_getBlock', hash);
    // The first block only marks the start: what it holds came before it.
    if (times.length > 0) transfers += block.extrinsics.length - 1;
    times.push(timestampOf(block.extrinsics[0]!));
  }
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  gaps.sort((a, b) => a - b);
  const seconds = (times.at(-1)! - times[0]!) / 1000;
  return { tps: transfers / seconds, blockP95Ms: gaps[Math.ceil(gaps.length * 0.95) - 1]! };
}

/** Milliseconds in a `timestamp.set` inherent: length, version, two indices, compact u64 in big-integer mode. */
function timestampOf(inherent: string): number {
  const bytes = Buffer.from(inherent.slice(2), 'hex');
  return Number(bytes.readUIntLE(5, 6));
}

async function measureSettlement(dir: string): Promise<SettlementSeconds> {
  const chain = await startChain(dir, [], SETTLING_BLOCK_MS);
  try {
    return await measureSettlements(chain.url.replace('ws', 'http'), keyOf('server'), MINERS);
  } finally {
    await chain.stop();
  }
}

async function measureAccounts(dir: string): Promise<number> {
  const few = await databaseBytes(`${dir}-few`, 1);
  const many = await databaseBytes(`${dir}-many`, MINERS + 1);
  return (many - few) / MINERS;
}

async function databaseBytes(dir: string, accounts: number): Promise<number> {
  const addresses = Array.from({ length: accounts }, (_, i) => addressOf(sha256(utf8.encode(`miner ${i}`))));
  const chain = await startChain(dir, addresses, 60_000);
  await chain.stop();
  return statSync(join(dir, 'data.mdb')).size;
}

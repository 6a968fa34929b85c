/**
 * @file A network as operators of regions run it: a chain, one upstream, two regions, two miners in each, all of them the
 * `alice` command. All four miners are paid on the chain, though the upstream never spoke with one; a region is killed in
 * the run.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ChainClient, initCrypto, parseAddress } from '@alice/protocol';
import { anyFreePort } from '../process/freePort.js';
import { type AliceProcess, runAlice, startAlice, until } from '../testing/aliceProcess.js';
import { readStatus } from '../up/statusReader.js';
import { ensureLocalWallet } from '../wallet/walletStore.js';

const root = mkdtempSync(join(tmpdir(), 'alice-regions-'));
const running: AliceProcess[] = [];
after(async () => {
  await Promise.all(running.map((run) => run.kill()));
  rmSync(root, { recursive: true, force: true });
});

const wallet = (name: string): string => join(root, 'wallets', `${name}.json`);
const addressOf = (name: string): string =>
  (JSON.parse(readFileSync(wallet(name), 'utf8')) as { address: string }).address;

function start(...args: string[]): AliceProcess {
  const run = startAlice([...args, '--log', 'json']);
  running.push(run);
  return run;
}

/** A parameter server that scores for itself; returns its address. */
async function startServer(
  name: string,
  port: number,
  more: readonly string[],
): Promise<{ url: string; run: AliceProcess }> {
  const run = start(
    ...['server', '--dir', join(root, name), '--data', join(root, 'data'), '--key-file', wallet(name)],
    ...['--roles', 'api,aggregator,epochs,scorer', '--port', String(port), ...more],
  );
  return { url: await run.url('Parameter server is ready'), run };
}

const MINERS = ['amy', 'ben', 'cid', 'dot'];

test('two regions of one upstream: all four miners are paid on the chain', async () => {
  await initCrypto();
  for (const name of ['upstream', 'north', 'south', ...MINERS])
    await ensureLocalWallet(join(root, 'wallets'), name);
  await runAlice(['data', 'build', 'builtin', '--tokens', '600000', '--out', join(root, 'data')]);
  writeFileSync(
    join(root, 'spec.json'),
    await runAlice(['node', 'spec', '--parameter-server', addressOf('upstream')]),
  );
  const node = start(
    ...['node', '--dir', join(root, 'chain'), '--spec', join(root, 'spec.json')],
    ...['--port', String(await anyFreePort()), '--block-ms', '1000'],
  );
  const chain = (await node.url('Chain node is ready')).replace(/^ws/, 'http');
  const upstream = await startServer('upstream', await anyFreePort(), [
    ...['--chain', chain, '--epoch-seconds', '5'],
    ...['--region', addressOf('north'), addressOf('south')],
  ]);
  const below = ['--chain', chain, '--upstream', upstream.url];
  const northPort = await anyFreePort();
  const [north, south] = await Promise.all([
    startServer('north', northPort, below),
    anyFreePort().then((port) => startServer('south', port, below)),
  ]);
  for (const [i, name] of MINERS.entries())
    start(
      ...['miner', '--server', (i < 2 ? north : south).url, '--key-file', wallet(name)],
      ...['--dir', join(root, name), '--threads', '1'],
    );

  await until('a contribution on its way', { seconds: 600, run: north.run }, () =>
    north.run.output().includes('Round of the region closed'),
  );
  await north.run.kill();
  const again = await startServer('north', northPort, below);
  const client = new ChainClient({ url: chain });
  const paid = async (): Promise<boolean> => {
    const accounts = await Promise.all(MINERS.map((name) => client.account(parseAddress(addressOf(name)))));
    return accounts.every(({ freePlanck }) => freePlanck > 0n);
  };
  await until('all four to be paid', { seconds: 900, run: again.run }, paid);

  const status = (await readStatus(upstream.url, 20_000))!;
  const members = new Set(status.miners.filter(({ role }) => role === 'miner').map(({ address }) => address));
  assert.deepEqual([...members].sort(), [addressOf('north'), addressOf('south')].sort());
  const told = JSON.parse(
    await runAlice(['miner', 'status', '--server', south.url, '--dir', root, '--wallet', 'dot', '--json']),
  ) as { code: string };
  assert.ok(['PAID', 'COUNTS_NEXT_EPOCH', 'FIRST_EPOCH_OPEN'].includes(told.code), JSON.stringify(told));
});

/**
 * @file A server as its operator runs it: its own certificate, then one from elsewhere; an address banned and let in again; a
 * backup restored into another folder, with everything that was acknowledged. Every step is an `alice` command.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { initCrypto } from '@alice/protocol';
import { anyFreePort } from '../process/freePort.js';
import { type AliceProcess, runAlice, startAlice, until } from '../testing/aliceProcess.js';
import { ensureLocalWallet } from '../wallet/walletStore.js';

const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const options = hasOpenssl ? {} : { skip: 'needs the openssl program, which makes the certificates' };

const root = mkdtempSync(join(tmpdir(), 'alice-operator-'));
const wallet = (name: string): string => join(root, 'wallets', `${name}.json`);
const selfSigned = join(root, 'server', 'tls', 'cert.pem');
const own = { cert: join(root, 'own.pem'), key: join(root, 'own-key.pem') };
let chain: string;
let node: AliceProcess | undefined;
let server: { run: AliceProcess; url: string } | undefined;
let amy: string;

before(async () => {
  if (!hasOpenssl) return;
  await initCrypto();
  const keys = [];
  for (const name of ['server', 'amy']) keys.push(await ensureLocalWallet(join(root, 'wallets'), name));
  amy = keys[1]!.address;
  await runAlice(['data', 'build', 'builtin', '--tokens', '600000', '--out', join(root, 'data')]);
  const spec = join(root, 'spec.json');
  writeFileSync(spec, await runAlice(['node', 'spec', '--parameter-server', keys[0]!.address]));
  const port = await anyFreePort();
  node = startAlice([
    'node',
    '--dir',
    join(root, 'chain'),
    '--spec',
    spec,
    '--port',
    String(port),
    '--log',
    'json',
  ]);
  await node.url('Chain node is ready');
  chain = `http://127.0.0.1:${port}`;
});
after(async () => {
  await server?.run.kill();
  await node?.kill();
  rmSync(root, { recursive: true, force: true });
});

async function start(dir: string, ...tls: string[]): Promise<{ run: AliceProcess; url: string }> {
  const run = startAlice([
    ...['server', '--dir', join(root, dir), '--data', join(root, 'data'), '--key-file', wallet('server')],
    ...['--chain', chain, '--port', String(await anyFreePort()), '--roles', 'api,aggregator,epochs,scorer'],
    ...['--log', 'json', ...tls],
  ]);
  return { run, url: await run.url('Parameter server is ready') };
}

const miner = (ca: string, ...more: string[]): AliceProcess =>
  startAlice([
    ...[
      'miner',
      '--server',
      server!.url,
      '--ca',
      ca,
      '--key-file',
      wallet('amy'),
      '--dir',
      join(root, 'amy'),
    ],
    ...['--threads', '1', '--log', 'json', ...more],
  ]);

const submissions = async (): Promise<{ accepted: number; refused: number }> => {
  const text = await runAlice([
    'miner',
    'status',
    '--server',
    server!.url,
    '--ca',
    own.cert,
    '--address',
    amy,
    '--json',
  ]);
  return JSON.parse(text) as { accepted: number; refused: number };
};

test(
  'a miner works for a server with its own certificate, and for none that it does not trust',
  options,
  async () => {
    server = await start('server', '--tls-self-signed');
    assert.match(server.url, /^https:/);
    const stranger = startAlice(['miner', 'status', '--server', server.url, '--address', amy]);
    assert.notEqual(await stranger.closed, 0);
    assert.match(stranger.output(), /SERVER_UNREACHABLE.*SELF_SIGNED.*--ca FILE/is);
    const run = miner(selfSigned, '--tasks', '1');
    assert.equal(await run.closed, 0, run.output());
    assert.match(run.output(), /Update accepted/);
  },
);

test(
  'a certificate of the operator, a ban that holds at once, and a backup that has everything',
  options,
  async () => {
    await server!.run.stop();
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=alice.test';
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', own.key, '-out', own.cert];
    execFileSync('openssl', [...words.split(' '), ...names], { stdio: 'ignore' });
    const tls = ['--tls-cert', own.cert, '--tls-key', own.key];
    server = await start('server', ...tls);
    const before = await submissions();
    assert.ok(before.accepted >= 1);

    const order = async (...what: string[]): Promise<{ bans: { address: string; reason: string }[] }> => {
      const text = await runAlice([
        'server',
        ...what,
        '--server',
        server!.url,
        '--ca',
        own.cert,
        '--key-file',
        wallet('server'),
        '--json',
      ]);
      return JSON.parse(text) as { bans: { address: string; reason: string }[] };
    };
    const { bans } = await order('ban', amy, '--reason', 'a test');
    assert.deepEqual(
      bans.map(({ address, reason }) => [address, reason]),
      [[amy, 'a test']],
    );
    const banned = miner(own.cert);
    await until('the miner to be told', { seconds: 300, run: banned }, () =>
      /BANNED.*a test/.test(banned.output()),
    );
    await banned.stop();
    const told = await runAlice([
      'miner',
      'status',
      '--server',
      server.url,
      '--ca',
      own.cert,
      '--address',
      amy,
    ]);
    assert.match(told, /^BANNED: .*a test/m);
    assert.deepEqual((await order('unban', amy)).bans, []);

    await server.run.stop();
    const backup = join(root, 'backup');
    await runAlice(['server', 'backup', backup, '--dir', join(root, 'server'), '--json']);
    await runAlice(['server', 'restore', backup, '--dir', join(root, 'restored'), '--json']);
    server = await start('restored', ...tls);
    const restored = await submissions();
    assert.deepEqual([restored.accepted, restored.refused], [before.accepted, before.refused]);
    const run = miner(own.cert, '--tasks', '1');
    assert.equal(await run.closed, 0, run.output());
    assert.match(run.output(), /Update accepted/);
  },
);

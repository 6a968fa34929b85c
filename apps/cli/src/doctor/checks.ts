/** @file What `alice doctor` looks at. Each check says what it found and, when something is wrong, what to do about it. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { createLossFunction, initParameters, resolveModel } from '@alice/model';
import {
  ChainClient,
  errorCodeOf,
  initCrypto,
  keyPairFromSeed,
  messageOf,
  verifySignature,
} from '@alice/protocol';
import { isPortFree } from '../process/freePort.js';
import { isAlive } from '../process/isAlive.js';
import { chainUrlOf, readRunning, serverUrlOf } from '../up/runningNetwork.js';
import { readStatus } from '../up/statusReader.js';
import { listWallets } from '../wallet/walletStore.js';
import { checkDevices } from './checkDevices.js';
import { checkInference, checkLogs, checkTraining } from './checkNetworkHealth.js';

export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failure';
  readonly found: string;
  /** What to do; empty when all is well. */
  readonly remedy: string;
}

const ok = (name: string, found: string): Finding => ({ name, state: 'ok', found, remedy: '' });
const warning = (name: string, found: string, remedy: string): Finding => ({
  name,
  state: 'warning',
  found,
  remedy,
});
const failure = (name: string, found: string, remedy: string): Finding => ({
  name,
  state: 'failure',
  found,
  remedy,
});

const MIN_FREE_DISK_BYTES = 2e9;
const MIN_MEMORY_BYTES = 3e9;

/** One after another; `onStart` is told what is looked at now, since some take seconds. */
export async function* runChecks(dir: string, onStart: (name: string) => void): AsyncGenerator<Finding> {
  const checks: readonly [name: string, check: () => Finding | Promise<Finding>][] = [
    ['Node', checkNode],
    ['machine', checkMachine],
    ['disk', () => checkDisk(dir)],
    ['keys', checkKeys],
    ['engine', checkEngine],
    ['devices', checkDevices],
    ['wallets', () => checkWallets(dir)],
  ];
  for (const [name, check] of checks) {
    onStart(name);
    yield await check();
  }
  onStart('network');
  yield* await checkNetwork(dir);
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return ok('Node', process.versions.node);
  return failure('Node', process.versions.node, 'install Node 20.19 or newer from nodejs.org');
}

function checkMachine(): Finding {
  const found = `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(1)} GiB memory (${(freemem() / 2 ** 30).toFixed(1)} free)`;
  if (freemem() < MIN_MEMORY_BYTES)
    return warning(
      'machine',
      found,
      'a local network wants about 3 GiB of free memory: close other programs, or run fewer miners with --miners 1',
    );
  return ok('machine', found);
}

function checkDisk(dir: string): Finding {
  let at = dir;
  while (!existsSync(at)) at = join(at, '..');
  try {
    accessSync(at, constants.W_OK);
  } catch {
    return failure(
      'disk',
      `${at} cannot be written`,
      'choose another folder with --dir, or give yourself the right to write there',
    );
  }
  const { bavail, bsize } = statfsSync(at);
  const found = `${((bavail * bsize) / 1e9).toFixed(1)} GB free at ${at}`;
  return bavail * bsize < MIN_FREE_DISK_BYTES
    ? warning(
        'disk',
        found,
        'a network of the default size uses up to 2 GB: make room, or choose another disk with --dir',
      )
    : ok('disk', found);
}

async function checkKeys(): Promise<Finding> {
  try {
    await initCrypto();
    const key = keyPairFromSeed(new Uint8Array(32).fill(7));
    const message = new TextEncoder().encode('alice doctor');
    if (verifySignature(message, key.sign(message), key.publicKey))
      return ok('keys', 'sr25519 signs and verifies');
    return failure(
      'keys',
      'a signature does not verify',
      'delete node_modules and run the command again; if that does not help, this Node build has a broken WebAssembly',
    );
  } catch (error) {
    return failure('keys', messageOf(error), 'delete node_modules and run the command again');
  }
}

/** Runs the smallest model once: loads the native library, compiles a graph, checks a number. */
async function checkEngine(): Promise<Finding> {
  try {
    const config = resolveModel('nano');
    const loss = await createLossFunction(config, { batch: 1, sequenceLength: 16, threads: 1 });
    const [nats] = await loss.run(initParameters(config, 'doctor'), new Uint16Array(17).fill(3));
    await loss.dispose();
    const expected = Math.log(config.vocab);
    if (nats !== undefined && Math.abs(nats - expected) < 1)
      return ok(
        'engine',
        `ONNX Runtime computes (loss ${nats.toFixed(2)} at random weights, uniform ${expected.toFixed(2)})`,
      );
    return failure(
      'engine',
      `an untrained model has loss ${nats}`,
      'this machine computes wrong numbers: check the processor and memory, then reinstall',
    );
  } catch (error) {
    return failure(
      'engine',
      `${errorCodeOf(error) ?? ''} ${messageOf(error)}`,
      'delete node_modules and run the command again; ONNX Runtime needs a 64-bit Linux, macOS or Windows',
    );
  }
}

function checkWallets(dir: string): Finding {
  const folder = join(dir, 'wallets');
  try {
    const wallets = listWallets(folder);
    const open =
      process.platform === 'win32' ? [] : wallets.filter(({ path }) => (statSync(path).mode & 0o077) !== 0);
    if (open.length > 0)
      return warning(
        'wallets',
        `${open.map((w) => w.path).join(', ')} can be read by other users`,
        'chmod 600 these files',
      );
    return ok('wallets', wallets.length === 0 ? `none in ${folder} yet` : `${wallets.length} in ${folder}`);
  } catch (error) {
    return failure('wallets', messageOf(error), 'restore the file from a backup, or move it away');
  }
}

async function checkNetwork(dir: string): Promise<Finding[]> {
  const { serverPort, nodePort, pids } = readRunning(dir);
  if (serverPort === undefined || nodePort === undefined) {
    const free = (await isPortFree(8420)) && (await isPortFree(9944));
    return [
      ok(
        'network',
        `none in ${dir} yet; ports 8420 and 9944 are ${free ? 'free' : 'partly in use, others will be chosen'}`,
      ),
    ];
  }
  const { up } = pids;
  const [serverUrl, chainUrl] = [serverUrlOf(dir)!, chainUrlOf(dir)!];
  if (up === undefined || !isAlive(up)) return [ok('network', `stopped; "alice up --dir ${dir}" resumes it`)];
  const status = await readStatus(serverUrl);
  const server = status
    ? ok(
        'server',
        `answers on port ${serverPort}, version ${status.versions.at(-1)?.version ?? 0}, ${status.alarms.length} alarm(s)${status.alarms.map((a) => ` ${a.code}`).join('')}`,
      )
    : failure(
        'server',
        `does not answer on port ${serverPort}`,
        `read ${join(dir, 'logs', 'server.log')}; restarting "alice up" is safe at any time`,
      );
  const height = await new ChainClient({ url: chainUrl })
    .head()
    .then((head) => head.number)
    .catch(() => undefined);
  const chain =
    height === undefined
      ? failure(
          'chain',
          `does not answer on port ${nodePort}`,
          `read ${join(dir, 'logs', 'node.log')}; restarting "alice up" is safe at any time`,
        )
      : ok('chain', `answers on port ${nodePort}, block ${height}`);
  const health = status ? checkTraining(status, Date.now()) : [];
  const inference = status ? [await checkInference(serverUrl)] : [];
  return [server, chain, ...health, ...inference, checkLogs(join(dir, 'logs'), Date.now())];
}

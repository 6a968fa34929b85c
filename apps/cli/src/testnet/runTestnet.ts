/**
 * @file Runs a local network of validators: one process per validator (each with its own CometBFT), started together,
 * watched, restarted when one dies, stopped together. What it prints is its own; what the processes say goes to files.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initCrypto, keyPairFromSecret, type Logger } from '@alice/protocol';
import { CliError } from '../errors.js';
import { lockDir } from '../process/dirLock.js';
import { Supervisor } from '../process/supervisor.js';
import { whileWaiting } from '../terminal/whileWaiting.js';
import { heightsView } from './heightsView.js';
import { readBlockHashes, readHeights, type ValidatorHeight } from './readHeights.js';
import { FUNDED, type PlannedValidator, planTestnet, type TestnetRequest } from './testnetPlan.js';

export interface TestnetOptions {
  readonly request: TestnetRequest;
  /** Stop once every validator has this block; `undefined` runs until stopped. */
  readonly blocks: number | undefined;
  readonly json: boolean;
}

/** Between two looks at the validators. */
const LOOK_EVERY_MS = 1000;

/** Resolves when stopped. Throws what planning throws, `CHILD_FAILED`, and `NETWORK_FORKED` if hashes ever differ. */
export async function runTestnet(
  { request, blocks, json }: TestnetOptions,
  { log, signal }: { log: Logger; signal: AbortSignal },
): Promise<void> {
  await initCrypto();
  const lock = await lockDir(request.dir);
  const entry = fileURLToPath(new URL('../main.js', import.meta.url));
  const supervisor = new Supervisor({ logDir: join(request.dir, 'logs'), entry }, { log, signal });
  try {
    const planned = await whileWaiting('starting the validators', { quiet: json }, async () => {
      const plans = await planTestnet(request);
      // Together: none of them makes a block before more than two thirds are there.
      await Promise.all(plans.map(({ plan }) => supervisor.start(plan)));
      return plans;
    });
    const places = planned.map(({ name, rpcPort }) => ({ name, url: `http://127.0.0.1:${rpcPort}` }));
    if (json) print({ type: 'ready', dir: request.dir, validators: places, pids: supervisor.pids() });
    else introduce(request.dir, planned);
    await Promise.race([watch(places, { blocks, json, signal }), supervisor.failed]);
  } finally {
    await supervisor.stop();
    await lock.release();
  }
}

async function watch(
  places: readonly { name: string; url: string }[],
  { blocks, json, signal }: { blocks: number | undefined; json: boolean; signal: AbortSignal },
): Promise<void> {
  const view = json ? undefined : heightsView(process.stdout);
  while (!signal.aborted) {
    const heights = await readHeights(places);
    await requireOneChain(heights);
    if (json) print({ type: 'heights', validators: heights });
    else view?.show(heights);
    if (blocks !== undefined && heights.every(({ height }) => height !== undefined && height >= blocks))
      return;
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Compares the hashes at the lowest height of those that answer. */
async function requireOneChain(heights: readonly ValidatorHeight[]): Promise<void> {
  const alive = heights.flatMap(({ url, height }) => (height === undefined ? [] : [{ url, height }]));
  if (alive.length < 2) return;
  const height = Math.min(...alive.map((one) => one.height));
  const urls = alive.map(({ url }) => url);
  const hashes = await readBlockHashes(urls, height).catch(() => []); // one of them just stopped answering
  if (new Set(hashes).size <= 1) return;
  throw new CliError(
    { code: 'NETWORK_FORKED', height },
    `validators have different blocks at height ${height}: ${hashes.join(', ')}. Keep the folder and report this`,
  );
}

function introduce(dir: string, planned: readonly PlannedValidator[]): void {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say(`A network of ${planned.length} validators runs in ${dir}. Ctrl-C stops it; the same command goes on.`);
  for (const { name, rpcPort } of planned) say(`  ${name}  ws://127.0.0.1:${rpcPort}   (also HTTP)`);
  say('Any polkadot.js client can connect. These well-known development accounts hold 1,000 ALICE each:');
  for (const secret of FUNDED) say(`  ${secret.padEnd(10)} ${keyPairFromSecret(secret).address}`);
  say(`Logs: ${join(dir, 'logs')}\n`);
}

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

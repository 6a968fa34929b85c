/**
 * @file How fast a browser trains: the same task given to the mining worker of the built page in Chromium (WebAssembly)
 * and to a miner on Node's ONNX Runtime, both with the same number of threads, one after the other on this machine.
 * Speed is taken between the first and the last step, so that loading and compiling do not count.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MinerEvent, runMiner } from '@alice/miner';
import { TaskServer } from '@alice/miner/testing';
import { presets } from '@alice/model';
import { initCrypto, keyPairFromSecret, silentLogger, type TaskSettings } from '@alice/protocol';
import type { Bench, Figure } from './figure.js';

const PUBLIC_DIR = fileURLToPath(new URL('../../../apps/web/dist/public', import.meta.url));
const CHROMIUMS = [process.env['ALICE_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/google-chrome'];
const STEPS = 12;
const settings: TaskSettings = {
  optimizer: 'muon',
  innerSteps: STEPS,
  rowsPerStep: 8,
  sequenceLength: 128,
  learningRates: Array(STEPS).fill(0.01),
  weightDecay: 0.01,
  gradientClip: 1,
  density: 0.03,
  errorFeedbackDecay: 0.95,
};
const TOKENS_PER_STEP = settings.rowsPerStep * settings.sequenceLength;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
/** Threads of WebAssembly share memory only in a page that is isolated like this. */
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

export const browserBench: Bench = {
  name: 'browser',
  about: 'tokens a second of the browser miner in Chromium, beside Node on the same processor',
  async run(say) {
    const threads = availableParallelism();
    await initCrypto();
    const told = new EventsFromPage();
    const otherwise = (request: IncomingMessage, response: ServerResponse): void =>
      servePage(request, response, { told, threads });
    const server = await TaskServer.start({ model: presets.nano, settings, otherwise });
    try {
      say(`nano, ${STEPS} steps of ${TOKENS_PER_STEP} tokens, ${threads} thread(s)`);
      const node = await onNode(server.url, threads);
      say(`Node: ${node.toFixed(0)} tokens/s`);
      const browser = await inChromium(server.url, told);
      say(`Chromium: ${browser.toFixed(0)} tokens/s`);
      return figuresOf(browser, node);
    } finally {
      server.close();
    }
  },
};

function figuresOf(browser: number, node: number): Figure[] {
  const note = 'WebAssembly in Chromium against ONNX Runtime on Node, nano preset, same threads';
  return [
    { name: 'browser_tokens_per_s', value: browser, unit: 'tokens/s', baseline: node, note },
    { name: 'browser_vs_node', value: browser / node, unit: 'ratio', baseline: 1, note },
  ];
}

/** Collects the times of steps; `done` gives tokens a second once the task was trained. */
class StepClock {
  readonly done: Promise<number>;
  readonly #times: number[] = [];
  #resolve: (tokensPerSec: number) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => undefined); // whoever waits hears it
  }

  take(event: Pick<MinerEvent, 'type'>, atMs: number): void {
    if (event.type === 'step') this.#times.push(atMs);
    if (event.type !== 'trained') return;
    const seconds = (this.#times.at(-1)! - this.#times[0]!) / 1000;
    this.#resolve(((this.#times.length - 1) * TOKENS_PER_STEP) / seconds);
  }

  fail(reason: string): void {
    this.#reject(new Error(reason));
  }
}

/** What the page in the browser posts: each event with the browser's own clock. */
class EventsFromPage extends StepClock {
  receive(body: string): void {
    const { event, atMs, failure } = JSON.parse(body) as {
      event?: MinerEvent;
      atMs: number;
      failure?: string;
    };
    if (failure !== undefined) this.fail(`the mining worker gave up: ${failure}`);
    if (event !== undefined) this.take(event, atMs);
  }
}

async function onNode(serverUrl: string, threads: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'alice-bench-browser-'));
  const clock = new StepClock();
  const key = keyPairFromSecret('//Node');
  const onEvent = (event: MinerEvent): void => clock.take(event, performance.now());
  const { signal } = new AbortController();
  await runMiner(
    { serverUrl, key, instance: 'node', threads, dir, maxTasks: 1 },
    { log: silentLogger, signal, onEvent },
  );
  rmSync(dir, { recursive: true, force: true });
  return clock.done;
}

async function inChromium(url: string, told: EventsFromPage): Promise<number> {
  const program = CHROMIUMS.find((path) => path !== undefined && existsSync(path));
  if (program === undefined) throw new Error('no Chromium found: install it or set ALICE_CHROMIUM');
  const profile = mkdtempSync(join(tmpdir(), 'alice-bench-profile-'));
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
  const child = spawn(program, [...args, `${url}/bench.html`], { stdio: 'ignore' });
  child.once('exit', (code) => told.fail(`Chromium ended with code ${code}`));
  try {
    return await told.done;
  } finally {
    await ended(child);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await exit;
}

interface Page {
  readonly told: EventsFromPage;
  readonly threads: number;
}

function servePage(request: IncomingMessage, response: ServerResponse, { told, threads }: Page): void {
  const { pathname } = new URL(request.url ?? '/', 'http://page');
  if (pathname === '/told') {
    receive(request, response, told);
    return;
  }
  const send = (type: string, body: string | Buffer) =>
    response.writeHead(200, { 'content-type': type, ...ISOLATED }).end(body);
  const file = join(PUBLIC_DIR, pathname);
  if (pathname === '/bench.html') send('text/html', pageText(threads));
  else if (!file.startsWith(PUBLIC_DIR) || !existsSync(file)) response.writeHead(404).end();
  else send(TYPES[extname(file)] ?? 'text/plain', readFileSync(file));
}

function receive(request: IncomingMessage, response: ServerResponse, told: EventsFromPage): void {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    told.receive(Buffer.concat(parts).toString('utf8'));
    response.writeHead(204).end();
  });
}

/** Starts the worker as the mine page does and tells the bench what it says. */
function pageText(threads: number): string {
  return `<!doctype html><title>bench</title><script type="module">
    const tell = (facts) => fetch('told', { method: 'POST', body: JSON.stringify({ atMs: performance.now(), ...facts }) });
    const worker = new Worker('mine-worker.js', { type: 'module' });
    worker.onerror = ({ message }) => tell({ failure: message || 'it could not be loaded' });
    worker.onmessage = ({ data }) => {
      if (data.kind === 'failure') tell({ failure: data.message });
      if (data.kind === 'call' && data.name === 'event') tell({ event: data.argument });
    };
    const argument = { serverUrl: location.origin, device: 'wasm', threads: ${threads}, deviceName: 'browser', memoryBytes: 0 };
    worker.postMessage({ kind: 'call', id: 1, name: 'mine', argument });
  </script>`;
}

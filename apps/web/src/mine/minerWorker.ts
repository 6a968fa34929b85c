/**
 * @file The mining worker's entry: one miner behind typed calls. Everything heavy is here (keys, WebAssembly, weights),
 * so the page stays quick and none of it is loaded before somebody mines.
 */
import { type BrowserMinerPorts, Gate, runBrowserMiner } from '@alice/miner/browser';
import { initCrypto, keyPairFromSecret, PortCalls, silentLogger } from '@alice/protocol';
import { deviceAddress, devicePhrase } from './deviceKey.js';
import type { MiningRequest, PageCalls } from './minerCalls.js';
import { workerPort } from './workerPort.js';

const gate = new Gate();
const ending = new AbortController();
const runtimeUrl = new URL('./ort/', import.meta.url).href;

const page: PortCalls<PageCalls> = new PortCalls<PageCalls>(workerPort(self as never), {
  address: () => deviceAddress(),
  phrase: () => devicePhrase(),
  mine,
  pause: () => gate.close(),
  resume: () => gate.open(),
  stop: () => ending.abort(),
});

const ports: BrowserMinerPorts = {
  log: silentLogger,
  signal: ending.signal,
  gate,
  onEvent: (event) => void page.call('event', event),
  onDevice: (report) => void page.call('device', report),
};

async function mine(request: MiningRequest): Promise<void> {
  await initCrypto();
  const key = keyPairFromSecret(await devicePhrase());
  await runBrowserMiner({ ...request, key, instance: 'browser', runtimeUrl }, ports);
}

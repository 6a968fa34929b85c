/** @file Keeps the page current: server-sent events where they flow, asking every few seconds where they do not. */
import type { NetworkStatus } from '@alice/protocol';

export interface LiveStatusPorts {
  onStatus(status: NetworkStatus): void;
  onConnection(live: boolean): void;
}

const POLL_MS = 3000;
const MIN_GAP_MS = 700;

export function followStatus(ports: LiveStatusPorts): void {
  let lastMs = 0;
  let waiting = false;
  const refresh = async (): Promise<void> => {
    lastMs = Date.now();
    try {
      const answer = await fetch('v1/status', { cache: 'no-store' });
      if (!answer.ok) throw new Error(String(answer.status));
      ports.onStatus(withoutReaders((await answer.json()) as NetworkStatus));
      ports.onConnection(true);
    } catch {
      ports.onConnection(false);
    }
  };
  /** Many events in a burst cause one request. */
  const soon = (): void => {
    if (waiting) return;
    waiting = true;
    setTimeout(
      () => {
        waiting = false;
        void refresh();
      },
      Math.max(0, MIN_GAP_MS - (Date.now() - lastMs)),
    );
  };
  listenWhileVisible(soon);
  setInterval(() => {
    if (Date.now() - lastMs >= POLL_MS) void refresh();
  }, POLL_MS);
}

/** Browsers allow six connections to a server over HTTP/1.1 for all tabs together: hidden ones give theirs back. */
function listenWhileVisible(onStatus: () => void): void {
  let events: EventSource | undefined;
  const follow = (): void => {
    events?.close();
    events = document.hidden ? undefined : new EventSource('v1/events');
    events?.addEventListener('status', onStatus);
    if (!document.hidden) onStatus();
  };
  document.addEventListener('visibilitychange', follow);
  follow();
}

const READER = /reads the model only$/;

/** Programs that only read the model register like miners, under this name of a device; they are not miners. */
export function withoutReaders(status: NetworkStatus): NetworkStatus {
  const miners = status.miners.filter(({ device }) => !READER.test(device));
  const readers = new Set(status.miners.filter((m) => !miners.includes(m)).map(({ address }) => address));
  for (const { address } of miners) readers.delete(address); // who mines and reads with one key is a miner
  return { ...status, miners, balances: status.balances.filter(({ address }) => !readers.has(address)) };
}

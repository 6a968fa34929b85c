/**
 * @file Bounds what leaves in downloads: a token bucket that is emptied a slice at a time, in turn over the remote addresses
 * that wait and, within each, over its connections. So a home that opens a hundred connections gets no more than one that
 * opens one, and nobody starves. Without a limit it only counts.
 */

export interface Bandwidth {
  /** Undefined: as fast as it goes. */
  readonly limitBytesPerSecond: number | undefined;
  /** Let through since the start. */
  readonly sentBytes: number;
  /** Slices that wait for their turn: one of each connection at most. */
  readonly waiting: number;
  /** Calls `go` when so many bytes (at most `SLICE_BYTES`) may leave; returns how to withdraw. */
  take(address: string, bytes: number, go: () => void): () => void;
}

/** Time as this file needs it, so that tests can play it. */
export interface BandwidthClock {
  nowMs(): number;
  /** Calls `work` once, later; returns how to call it off. */
  after(ms: number, work: () => void): () => void;
}

/** Small, so that many connections take turns often; large enough to cost no time. */
export const SLICE_BYTES = 16_384;
/** What may leave at once after a pause, as time. */
const BURST_MS = 100;

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

export function createBandwidth(
  limitBytesPerSecond: number | undefined,
  clock: BandwidthClock = systemClock,
): Bandwidth {
  const rate = (limitBytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
  const capacity = Math.max(SLICE_BYTES, rate * BURST_MS);
  const turns = createTurns();
  let tokens = capacity;
  let filledMs = clock.nowMs();
  let sentBytes = 0;
  let isServing = false;
  let stopTimer: (() => void) | undefined;

  const fill = (): void => {
    const nowMs = clock.nowMs();
    if (nowMs > filledMs) tokens = Math.min(capacity, tokens + (nowMs - filledMs) * rate);
    filledMs = nowMs;
  };
  /** `go` may ask for the next slice at once: it waits behind the others, and this loop comes to it. */
  const serve = (): void => {
    if (isServing) return;
    isServing = true;
    fill();
    for (let next = turns.first(); next && next.bytes <= tokens; next = turns.first()) {
      turns.shift();
      if (limitBytesPerSecond !== undefined) tokens -= next.bytes;
      sentBytes += next.bytes;
      next.go();
    }
    isServing = false;
    stopTimer?.();
    const next = turns.first();
    stopTimer = next && clock.after(Math.ceil((next.bytes - tokens) / rate), serve);
  };

  return {
    limitBytesPerSecond,
    get sentBytes() {
      return sentBytes;
    },
    get waiting() {
      return turns.size();
    },
    take(address, bytes, go) {
      const request = { bytes, go };
      turns.add(address, request);
      serve();
      return () => {
        if (turns.remove(address, request)) serve();
      };
    },
  };
}

const systemClock: BandwidthClock = {
  nowMs: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Who waits, in the order of turns: a map keeps the order in which its keys came. */
function createTurns() {
  const queues = new Map<string, Waiting[]>();
  const front = (): [string, Waiting[]] | undefined => queues.entries().next().value;
  return {
    size: () => [...queues.values()].reduce((sum, queue) => sum + queue.length, 0),
    first: (): Waiting | undefined => front()?.[1][0],
    add(address: string, request: Waiting): void {
      const queue = queues.get(address);
      if (queue) queue.push(request);
      else queues.set(address, [request]);
    },
    /** Takes the first; its address goes to the end. */
    shift(): void {
      const [address, queue] = front()!;
      queue.shift();
      queues.delete(address);
      if (queue.length > 0) queues.set(address, queue);
    },
    remove(address: string, request: Waiting): boolean {
      const queue = queues.get(address) ?? [];
      const place = queue.indexOf(request);
      if (place < 0) return false;
      queue.splice(place, 1);
      if (queue.length === 0) queues.delete(address);
      return true;
    },
  };
}

/**
 * @file How much one remote address may ask: open connections, and requests per second with room for bursts (a token
 * bucket). Addresses of this machine are free: behind a proxy everyone comes from there, and the proxy must limit.
 * Memory: one entry per address that is connected or asked within the last minute.
 */
export interface AddressLimits {
  readonly connectionsPerAddress: number;
  readonly requestsPerSecondPerAddress: number;
}

/** A full bucket holds the requests of this many seconds. */
const BURST_SECONDS = 10;
const FORGET_AFTER_MS = 60_000;

interface Visitor {
  connections: number;
  tokens: number;
  countedAtMs: number;
}

export class AddressLimiter {
  readonly #limits: AddressLimits;
  readonly #clock: () => number;
  readonly #visitors = new Map<string, Visitor>();
  #sweptAtMs: number;

  constructor(limits: AddressLimits, clock: () => number = Date.now) {
    this.#limits = limits;
    this.#clock = clock;
    this.#sweptAtMs = clock();
  }

  get size(): number {
    return this.#visitors.size;
  }

  /** Counts a new connection; `false` when the address has enough. */
  open(address: string | undefined): boolean {
    if (isLocal(address)) return true;
    const visitor = this.#visitor(address);
    if (visitor.connections >= this.#limits.connectionsPerAddress) return false;
    visitor.connections++;
    return true;
  }

  close(address: string | undefined): void {
    if (isLocal(address)) return;
    const visitor = this.#visitors.get(address);
    if (visitor) visitor.connections = Math.max(0, visitor.connections - 1);
  }

  /** Counts `count` requests; `false` when the address has asked too much for now. */
  take(address: string | undefined, count: number): boolean {
    if (isLocal(address)) return true;
    const visitor = this.#visitor(address);
    if (visitor.tokens < count) return false;
    visitor.tokens -= count;
    return true;
  }

  #visitor(address: string): Visitor {
    const nowMs = this.#clock();
    this.#sweep(nowMs);
    const full = this.#limits.requestsPerSecondPerAddress * BURST_SECONDS;
    const known = this.#visitors.get(address) ?? { connections: 0, tokens: full, countedAtMs: nowMs };
    const earned = ((nowMs - known.countedAtMs) / 1000) * this.#limits.requestsPerSecondPerAddress;
    known.tokens = Math.min(full, known.tokens + Math.max(0, earned));
    known.countedAtMs = nowMs;
    this.#visitors.set(address, known);
    return known;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < FORGET_AFTER_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [address, { connections, countedAtMs }] of this.#visitors)
      if (connections === 0 && nowMs - countedAtMs >= FORGET_AFTER_MS) this.#visitors.delete(address);
  }
}

/** This machine, also as an IPv6 socket writes it. A socket that is gone already has no address and can do nothing. */
function isLocal(address: string | undefined): address is undefined {
  return address === undefined || address === '::1' || /^(::ffff:)?127\./.test(address);
}

/**
 * @file JSON-RPC over one WebSocket to a chain node: calls, subscriptions, reconnecting. A WebSocket needs no CORS. What
 * was asked while the node is gone waits a while and then fails with `CHAIN_UNREACHABLE`; subscriptions come back by
 * themselves. A call is never sent twice, since an extrinsic must not be.
 */
import { WebError } from '../errors.js';

/** What this class needs of a browser's `WebSocket`. */
export interface SocketLike {
  onopen: (() => void) | null;
  onclose: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ChainSocketPorts {
  open(url: string): SocketLike;
  later(run: () => void, ms: number): () => void;
}

export const browserPorts: ChainSocketPorts = {
  open: (url) => new WebSocket(url) as unknown as SocketLike,
  later: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

interface Pending {
  readonly method: string;
  readonly text: string;
  sent: boolean;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Subscription {
  readonly method: string;
  readonly unsubscribe: string;
  readonly onItem: (item: unknown) => void;
  id: string | undefined;
}

const CALL_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 10_000;

export class ChainSocket {
  readonly url: string;
  readonly #ports: ChainSocketPorts;
  readonly #pending = new Map<number, Pending>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #listeners = new Set<(isOpen: boolean) => void>();
  #socket: SocketLike | undefined;
  #isOpen = false;
  #isClosed = false;
  #nextId = 1;
  #retryMs = FIRST_RETRY_MS;
  #cancelRetry: () => void = () => undefined;

  constructor(url: string, ports: ChainSocketPorts = browserPorts) {
    this.url = url;
    this.#ports = ports;
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Hears of every change; returns how to stop. */
  onState(listener: (isOpen: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The `result` of one call, unchecked. Throws `CHAIN_UNREACHABLE`, `CHAIN_RPC_ERROR`. */
  call(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const id = this.#nextId++;
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    return new Promise((resolve, reject) => {
      const done = (): void => {
        cancel();
        this.#pending.delete(id);
      };
      const pending: Pending = {
        method,
        text,
        sent: false,
        resolve: (result) => {
          done();
          resolve(result);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const cancel = this.#ports.later(() => pending.reject(this.#unreachable()), CALL_TIMEOUT_MS);
      this.#pending.set(id, pending);
      if (this.#isOpen) this.#send(pending);
    });
  }

  /** Follows a subscription through reconnections; returns how to end it. */
  subscribe(
    { method, unsubscribe }: { readonly method: string; readonly unsubscribe: string },
    onItem: (item: unknown) => void,
  ): () => void {
    const subscription: Subscription = { method, unsubscribe, onItem, id: undefined };
    this.#subscriptions.add(subscription);
    if (this.#isOpen) this.#start(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
      if (this.#isOpen && subscription.id) this.call(unsubscribe, [subscription.id]).catch(() => undefined);
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#socket?.close();
  }

  #connect(): void {
    let socket: SocketLike;
    try {
      socket = this.#ports.open(this.url);
    } catch {
      this.#retry(); // an address the browser will not open
      return;
    }
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(String(data));
    socket.onclose = () => this.#gone();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#retryMs = FIRST_RETRY_MS;
    for (const subscription of this.#subscriptions) this.#start(subscription);
    for (const pending of this.#pending.values()) if (!pending.sent) this.#send(pending);
    for (const listener of this.#listeners) listener(true);
  }

  #gone(): void {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    for (const pending of [...this.#pending.values()]) if (pending.sent) pending.reject(this.#unreachable());
    for (const subscription of this.#subscriptions) subscription.id = undefined;
    if (wasOpen) for (const listener of this.#listeners) listener(false);
    this.#retry();
  }

  #retry(): void {
    if (this.#isClosed) return;
    this.#cancelRetry = this.#ports.later(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
  }

  #send(pending: Pending): void {
    pending.sent = true;
    this.#socket?.send(pending.text);
  }

  #start(subscription: Subscription): void {
    this.call(subscription.method).then(
      (id) => (subscription.id = String(id)),
      () => undefined, // started anew with the next connection
    );
  }

  #received(text: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return; // not JSON-RPC: whoever asked runs into the time limit
    }
    if (typeof message['method'] === 'string') this.#notified(message['params']);
    const pending = this.#pending.get(Number(message['id']));
    if (!pending) return;
    if (message['error']) pending.reject(refusal(pending.method, message['error']));
    else pending.resolve(message['result']);
  }

  #notified(params: unknown): void {
    const { subscription: id, result } = (params ?? {}) as { subscription?: unknown; result?: unknown };
    // The first items may arrive in the same turn as the subscription's own answer.
    queueMicrotask(() => {
      for (const subscription of this.#subscriptions)
        if (subscription.id !== undefined && subscription.id === String(id)) subscription.onItem(result);
    });
  }

  #unreachable(): WebError {
    return new WebError(
      { code: 'CHAIN_UNREACHABLE', url: this.url },
      `the chain node at ${this.url} does not answer; this page keeps trying`,
    );
  }
}

function refusal(method: string, error: unknown): WebError {
  const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
  const rpcCode = typeof code === 'number' ? code : 0;
  const detail = [message, data]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, 300);
  return new WebError(
    { code: 'CHAIN_RPC_ERROR', method, rpcCode, detail },
    `the node refused ${method}: ${detail} (${rpcCode})`,
  );
}

/**
 * @file Hands accepted transactions to CometBFT's own RPC, in batches, so that the other validators get them too. What
 * could not be handed over is tried again while it is in the pool; this node proposes it in any case when it is its
 * turn.
 */
import { type HexString, type Logger, messageOf } from '@alice/protocol';
import type { Broadcast } from './CometEngine.js';

const BATCH = 100;
const RETRY_MS = 1000;
/** Waiting ones beyond this are not broadcast: CometBFT has been away for long. */
const MOST_WAITING = 20_000;

export interface CometBroadcastOptions {
  /** CometBFT's RPC, `http://host:port`. */
  readonly url: string;
  readonly log: Logger;
  /** Whether a transaction is still worth sending. */
  isWaiting(hash: HexString): boolean;
}

export class CometBroadcast implements Broadcast {
  readonly #options: CometBroadcastOptions;
  #queue: { hash: HexString; base64: string }[] = [];
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: CometBroadcastOptions) {
    this.#options = options;
  }

  send(hash: HexString, extrinsic: Uint8Array): void {
    if (this.#isClosed || this.#queue.length >= MOST_WAITING) return;
    this.#queue.push({ hash, base64: Buffer.from(extrinsic).toString('base64') });
    if (!this.#isSending && !this.#timer) this.#soon(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #soon(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, delayMs);
  }

  async #flush(): Promise<void> {
    this.#isSending = true;
    let wasRefused = false;
    while (this.#queue.length > 0 && !wasRefused && !this.#isClosed) {
      const batch = this.#queue.slice(0, BATCH).filter(({ hash }) => this.#options.isWaiting(hash));
      try {
        await this.#post(batch.map(({ base64 }) => base64));
        this.#queue = this.#queue.slice(BATCH);
      } catch (error) {
        wasRefused = true;
        this.#options.log.debug('CometBFT did not take transactions', { error: messageOf(error) });
      }
    }
    this.#isSending = false;
    if (this.#queue.length > 0 && !this.#isClosed) this.#soon(RETRY_MS);
  }

  /** Single refusals are CometBFT's word on that transaction and not repeated; only a lost batch is. */
  async #post(transactions: readonly string[]): Promise<void> {
    if (transactions.length === 0) return;
    const body = transactions.map((tx, id) => ({
      ...{ jsonrpc: '2.0', id, method: 'broadcast_tx_async' },
      params: { tx },
    }));
    const response = await fetch(this.#options.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`CometBFT answered ${response.status}`);
  }
}

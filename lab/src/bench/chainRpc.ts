/** @file A JSON-RPC client over HTTP with batches, as small as the chain bench needs it. */
interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

export class ChainRpc {
  readonly #url: string;

  /** `url` is what a node calls itself, `ws://host:port`. */
  constructor(url: string) {
    this.#url = url.replace(/^ws/, 'http');
  }

  async ask<T>(method: string, ...params: unknown[]): Promise<T> {
    const [reply] = await this.batch([{ method, params }]);
    if (reply!.error) throw new Error(`${method}: ${reply!.error.message} ${reply!.error.data ?? ''}`);
    return reply!.result as T;
  }

  /** Sends all requests in one message; answers in their order, errors included. */
  async batch(requests: readonly { method: string; params: readonly unknown[] }[]): Promise<Reply[]> {
    const body = requests.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }));
    const post = () => fetch(this.#url, { method: 'POST', body: JSON.stringify(body) });
    // A connection that was idle while transactions were signed may be closed by the node just now.
    const response = await post().catch(post);
    return (await response.json()) as Reply[];
  }
}

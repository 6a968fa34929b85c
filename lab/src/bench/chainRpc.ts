/** @file A JSON-RPC client over one WebSocket with batches, as small as the chain bench needs it. */
import { WebSocket } from 'ws';

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

export class ChainRpc {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #ids = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Reply | Reply[];
      for (const reply of Array.isArray(message) ? message : [message]) {
        this.#waiting.get(reply.id)?.(reply);
        this.#waiting.delete(reply.id);
      }
    });
  }

  static async open(url: string): Promise<ChainRpc> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return new ChainRpc(socket);
  }

  async ask<T>(method: string, ...params: unknown[]): Promise<T> {
    const [reply] = await this.batch([{ method, params }]);
    if (reply!.error) throw new Error(`${method}: ${reply!.error.message} ${reply!.error.data ?? ''}`);
    return reply!.result as T;
  }

  /** Sends all requests in one message; answers in their order, errors included. */
  batch(requests: readonly { method: string; params: readonly unknown[] }[]): Promise<Reply[]> {
    const messages = requests.map(({ method, params }) => ({
      jsonrpc: '2.0',
      id: ++this.#ids,
      method,
      params,
    }));
    const replies = messages.map(({ id }) => new Promise<Reply>((resolve) => this.#waiting.set(id, resolve)));
    this.#socket.send(JSON.stringify(messages));
    return Promise.all(replies);
  }

  close(): void {
    this.#socket.close();
  }
}

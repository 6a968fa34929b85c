/** @file CometBFT's side of an ABCI connection for tests: one request at a time or many in flight, answers in order. */
import { createConnection, type Socket } from 'node:net';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import type { AbciKind, AbciRequest } from '../abci/application.js';
import { FrameReader, framed } from '../abci/frames.js';

export class AbciClient {
  readonly #socket: Socket;
  readonly #waiting: { resolve(response: Response): void; reject(error: Error): void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      for (const frame of reader.push(chunk)) this.#waiting.shift()!.resolve(Response.decode(frame));
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the ABCI connection closed'));
    });
  }

  static async open(address: string): Promise<AbciClient> {
    const { protocol, hostname, port, pathname } = new URL(address);
    const socket =
      protocol === 'unix:' ? createConnection(pathname) : createConnection(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return new AbciClient(socket);
  }

  /** Sends a request and a flush; throws what the application answered as an exception. */
  async ask<K extends AbciKind>(
    kind: K,
    request: Partial<AbciRequest<K>>,
  ): Promise<NonNullable<Response[K]>> {
    const answer = this.#send(kind, request);
    const flushed = this.#send('flush', {});
    const response = await answer;
    if (response.exception) {
      flushed.catch(() => undefined);
      throw new Error(response.exception.error);
    }
    await flushed;
    return response[kind] as NonNullable<Response[K]>;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(kind: keyof Request, request: object): Promise<Response> {
    const message = Request.encode(
      Request.fromPartial({ [kind]: request } as Parameters<typeof Request.fromPartial>[0]),
    ).finish();
    this.#socket.write(framed(message));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

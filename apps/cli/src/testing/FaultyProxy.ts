/**
 * @file An HTTP proxy in front of a real server that does harm where a test tells it to: cuts a download or an upload, loses
 * an answer, says 503, changes an answer. Each fault strikes once, at the first request that fits it.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Fault {
  /** `METHOD /path` of the requests that it strikes. */
  readonly at: RegExp;
  readonly kind: 'cut-answer' | 'cut-upload' | 'lose-answer' | 'unavailable' | 'change-answer';
  /** Of `change-answer`. */
  readonly change?: (body: string) => string;
}

export class FaultyProxy {
  /** Every request as `METHOD /path`, with its Range header if there is one. */
  readonly seen: string[] = [];
  readonly struck: Fault['kind'][] = [];
  #faults: Fault[] = [];
  readonly #target: () => string;
  readonly #server: Server;

  static async start(target: () => string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(target: () => string) {
    this.#target = target;
    this.#server = createServer((asked, answer) => void this.#pass(asked, answer));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  inject(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  get faultsLeft(): number {
    return this.#faults.length;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const line = `${asked.method} ${asked.url}`;
    this.seen.push(asked.headers.range ? `${line} ${asked.headers.range}` : line);
    const fault = this.#faultFor(line);
    const body = await bodyOf(asked);
    if (fault?.kind === 'unavailable') {
      answer.writeHead(503, { 'retry-after': '1', 'content-type': 'text/html' }).end('<h1>maintenance</h1>');
      return;
    }
    if (fault?.kind === 'cut-upload') return void asked.socket.destroy();
    const upstream = request(new URL(asked.url!, this.#target()), {
      method: asked.method,
      headers: { ...asked.headers, host: new URL(this.#target()).host },
    });
    upstream.on('error', () => answer.destroy());
    upstream.on('response', (response) => void this.#give(response, { answer, fault }));
    upstream.end(body);
  }

  async #give(
    response: IncomingMessage,
    { answer, fault }: { answer: ServerResponse; fault: Fault | undefined },
  ): Promise<void> {
    let body = await bodyOf(response);
    const { 'transfer-encoding': _, connection: __, ...headers } = response.headers;
    if (fault?.kind === 'lose-answer') return void answer.destroy();
    if (fault?.change) body = Buffer.from(fault.change(body.toString('utf8')));
    const sizeBytes = response.statusCode === 204 ? {} : { 'content-length': String(body.length) };
    answer.writeHead(response.statusCode!, { ...headers, ...sizeBytes });
    if (fault?.kind !== 'cut-answer') return void answer.end(body);
    answer.write(body.subarray(0, Math.floor(body.length / 2)), () => answer.destroy());
  }

  #faultFor(line: string): Fault | undefined {
    const index = this.#faults.findIndex(({ at }) => at.test(line));
    if (index < 0) return undefined;
    const [fault] = this.#faults.splice(index, 1);
    this.struck.push(fault!.kind);
    return fault;
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of message) parts.push(part as Buffer);
  } catch {
    // Whoever sent it has gone: what came is all there is.
  }
  return Buffer.concat(parts);
}

/**
 * @file One identity that speaks to a server over raw HTTP, without the manners of a client: it sends what it likes and
 * reads the refusal. Registers honestly, since who is not registered gets no further than that.
 */
import { type KeyPair, keyPairFromSecret, registrationMessage, type Task, toHex } from '@alice/protocol';

export interface Reply {
  readonly status: number;
  /** The server's code for a refusal, `ok`, or `cut off` where it hung up before the body was sent. */
  readonly code: string;
  // biome-ignore lint/suspicious/noExplicitAny: an attacker reads answers by field
  readonly body: any;
  readonly bytes: Uint8Array;
}

const DEVICE = { kind: 'cpu', name: 'lab', threads: 1, memoryBytes: 1, software: 'lab' } as const;

export class Intruder {
  readonly key: KeyPair;
  readonly url: string;
  readonly instance: string;
  token = '';

  constructor(url: string, name: string, instance = 'a') {
    this.url = url;
    this.key = keyPairFromSecret(`//${name}`);
    this.instance = instance;
  }

  async send(method: string, path: string, body?: unknown): Promise<Reply> {
    try {
      return await this.#exchange(method, path, body);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what fetch throws for a broken connection
      return { status: 0, code: 'cut off', body: undefined, bytes: new Uint8Array() };
    }
  }

  async #exchange(method: string, path: string, body: unknown): Promise<Reply> {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.includes('json');
    const parsed = isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
    const code = parsed?.code ?? (response.ok ? 'ok' : `HTTP ${response.status}`);
    return { status: response.status, code, body: parsed, bytes };
  }

  challenge(instance = this.instance): Promise<Reply> {
    const { address } = this.key;
    const body = { address, instance, role: 'miner', device: DEVICE };
    return this.send('POST', '/v1/register/challenge', body);
  }

  async register(): Promise<this> {
    const { body } = await this.challenge();
    const { address } = this.key;
    const { instance } = this;
    const claim = { ...body, address, instance, role: 'miner' as const };
    const signature = toHex(this.key.sign(registrationMessage(claim)));
    const answer = await this.send('POST', '/v1/register', { challenge: body.challenge, signature });
    if (answer.status !== 200) throw new Error(`the intruder could not register: ${answer.code}`);
    this.token = answer.body.token;
    return this;
  }

  /** Asks until there is a task: rounds that are closing have none. */
  async task(): Promise<Task> {
    for (;;) {
      const answer = await this.send('POST', '/v1/tasks', { waitMs: 5_000 });
      if (answer.status === 200) return answer.body;
      if (answer.status !== 204) throw new Error(`the intruder got no task: ${answer.code}`);
    }
  }

  submit(task: Pick<Task, 'taskId'>, bytes: Uint8Array): Promise<Reply> {
    return this.send('PUT', `/v1/tasks/${task.taskId}/submission`, bytes);
  }
}

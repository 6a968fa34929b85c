/**
 * @file A parameter server with one published version and one task for each device, over real HTTP, for tests that
 * compare miners: whoever asks gets the same task and may submit once; every submission is accepted. It checks nobody.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { initParameters, modelLayout } from '@alice/model';
import {
  type Device,
  type KeyPair,
  keyPairFromSecret,
  type ModelMessage,
  type Network,
  PROTOCOL,
  type RouteName,
  routes,
  type Submission,
  seededRandom,
  sha256Hex,
  type Task,
  type TaskSettings,
  type TensorLayout,
  toHex,
  type VersionManifest,
} from '@alice/protocol';
import { NETWORK_ID, PublishedModel } from './PublishedModel.js';

export interface TaskServerOptions {
  readonly model: ModelMessage;
  readonly settings: TaskSettings;
  /** Serves what is no route of the protocol: the files of a page, if any. */
  readonly otherwise?: (request: IncomingMessage, response: ServerResponse) => void;
}

interface Sent {
  readonly taskId: string;
  readonly bytes: Uint8Array;
}

type Answer = { readonly status: number; readonly body: unknown };
interface Asked {
  readonly parameter: string;
  readonly body: Uint8Array;
  readonly token: string;
}

export class TaskServer {
  readonly layout: TensorLayout;
  readonly #options: TaskServerOptions;
  readonly #key: KeyPair = keyPairFromSecret('//Server');
  readonly #server: Server;
  readonly #published: PublishedModel;
  /** By device name, which is the token too. */
  readonly #sent = new Map<string, Sent>();
  readonly #shard: Uint8Array;
  #manifest: VersionManifest | undefined;
  #waiting: (() => void)[] = [];

  /** Starts listening on a free port. The crypto must be ready. */
  static async start(options: TaskServerOptions): Promise<TaskServer> {
    const server = new TaskServer(options);
    server.#manifest = await server.#published.publish(initParameters(options.model, 'weights'));
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  private constructor(options: TaskServerOptions) {
    this.#options = options;
    this.layout = modelLayout(options.model);
    this.#published = new PublishedModel(this.layout, this.#key);
    this.#shard = learnableText(options);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The bytes a device has sent, once it has: a computer by its instance, a browser by its device's name. */
  async submissionOf(device: string): Promise<Uint8Array> {
    for (;;) {
      const sent = this.#sent.get(device);
      if (sent) return sent.bytes;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://server');
    const found = matchRoute(request.method ?? 'GET', pathname);
    if (found === undefined) {
      if (this.#options.otherwise) this.#options.otherwise(request, response);
      else response.writeHead(404).end();
      return;
    }
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const { status, body } = this.#answer(found.name, {
      parameter: found.parameter,
      body: Buffer.concat(parts),
      token,
    });
    const isBytes = body instanceof Uint8Array;
    response.writeHead(status, {
      'content-type': isBytes ? 'application/octet-stream' : 'application/json',
      ...(status === 204 ? { 'retry-after': '1' } : {}),
    });
    response.end(isBytes ? body : body === undefined ? undefined : JSON.stringify(body));
  }

  #answer(route: RouteName, { parameter, body, token }: Asked): Answer {
    const ok = (value: unknown): Answer => ({ status: 200, body: value });
    const json = (): { instance: string; device: Device; challenge: string } =>
      JSON.parse(Buffer.from(body).toString('utf8'));
    switch (route) {
      case 'network':
        return ok(this.#network());
      case 'challenge':
        return ok(this.#challenge(nameOf(json())));
      case 'register':
        return ok({ token: tokenOf(json().challenge), expiresAtMs: Date.now() + 1e6 });
      case 'latestVersion':
      case 'version':
        return ok(this.#manifest);
      case 'blob':
        return ok(this.#published.blobs.get(parameter));
      case 'shards':
        return ok(this.#shards());
      case 'shard':
        return ok(this.#shard);
      case 'task':
        return this.#sent.has(deviceOf(token)) ? { status: 204, body: undefined } : ok(this.#task(token));
      case 'submit':
        this.#sent.set(deviceOf(token), { taskId: parameter, bytes: Uint8Array.from(body) });
        for (const go of this.#waiting.splice(0)) go();
        return { status: 202, body: this.#submission(deviceOf(token)) };
      case 'submission':
        return ok(this.#submission(deviceOf(token)));
      default:
        return { status: 404, body: { code: 'NOT_FOUND', message: 'not here', info: {} } };
    }
  }

  #network(): Network {
    return {
      protocol: PROTOCOL,
      networkId: NETWORK_ID,
      serverId: this.#key.address,
      serverTimeMs: Date.now(),
      model: this.#options.model,
      tokenizer: 'test',
      dataRoot: NETWORK_ID,
      latestVersion: 0,
      latestStateRoot: this.#manifest!.stateRoot as Network['latestStateRoot'],
    };
  }

  /** A challenge that says who asked, so that the token can be given without remembering. */
  #challenge(device: string) {
    const name = new Uint8Array(32);
    name.set(Buffer.from(device).subarray(0, 32));
    const { address: serverId } = this.#key;
    return { challenge: toHex(name), networkId: NETWORK_ID, serverId, expiresAtMs: Date.now() + 60_000 };
  }

  #shards() {
    const sizeBytes = this.#shard.length;
    const entry = { shard: 0, tokens: sizeBytes / 2, sizeBytes, hash: sha256Hex(this.#shard) };
    return { dataRoot: NETWORK_ID, tokenizer: 'test', vocab: this.#options.model.vocab, shards: [entry] };
  }

  #task(token: string): Task {
    return {
      taskId: toHex(new Uint8Array(16).fill(token.length)),
      nonce: toHex(new Uint8Array(32).fill(7)),
      round: 1,
      version: 0,
      stateRoot: this.#manifest!.stateRoot,
      objective: 'lm',
      ranges: [{ shard: 0, from: 0, count: this.#shard.length / 2 }],
      seed: 'task',
      settings: this.#options.settings,
      deadlineMs: Date.now() + 1e9,
      windowMs: 1e8,
    };
  }

  #submission(device: string): Submission {
    const { taskId, bytes } = this.#sent.get(device)!;
    return {
      submissionId: `of-${taskId.slice(2)}`,
      taskId,
      version: 0,
      status: 'accepted',
      code: null,
      reason: 'accepted',
      gainNats: 0.01,
      standardErrorNats: 0.001,
      score: '10000000',
      epoch: null,
      sizeBytes: bytes.length,
      receivedAtMs: Date.now(),
    };
  }
}

/** Computers by the instance they give themselves, browsers (all of one instance) by the device's name. */
const nameOf = ({ instance, device }: { instance: string; device: Device }): string =>
  device.kind === 'cpu' ? instance : device.name;
/** Hex digits are long enough for a token, and say whose it is. */
const tokenOf = (challenge: string): string => challenge.slice(2);
const deviceOf = (token: string): string => Buffer.from(token, 'hex').toString('utf8').replace(/\0+$/, '');

function matchRoute(method: string, pathname: string): { name: RouteName; parameter: string } | undefined {
  for (const [name, route] of Object.entries(routes)) {
    const pattern = new RegExp(`^${route.path.replace(/:\w+/g, '([^/]+)')}$`);
    const found = route.method === method ? pattern.exec(pathname) : null;
    if (found) return { name: name as RouteName, parameter: found[1] ?? '' };
  }
  return undefined;
}

/** Enough tokens for the whole task, in which each token mostly tells the next. */
function learnableText({ model, settings }: TaskServerOptions): Uint8Array {
  const { innerSteps, rowsPerStep, sequenceLength } = settings;
  const random = seededRandom('text');
  let token = 1;
  const tokens = Uint16Array.from(
    { length: innerSteps * rowsPerStep * (sequenceLength + 1) },
    () => (token = random.below(10) === 0 ? random.below(model.vocab) : (token * 5 + 3) % model.vocab),
  );
  return new Uint8Array(tokens.buffer);
}

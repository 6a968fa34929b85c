/**
 * @file `chainHead_v1`, `archive_v1` and `transaction_v1` for one WebSocket: the requests go through
 * PAPI's own translator (`@polkadot-api/ws-middleware`), which asks this node's legacy methods in process. This file
 * adds what a public server needs around it: parameters that are lists, known follow subscriptions, and limits on
 * pinned blocks and broadcasts, so that one client can hold only so much memory.
 */
import { withLegacy } from '@polkadot-api/ws-middleware';
import { RPC_CODE } from '../errors.js';
import type { Json } from './context.js';
import type { RpcConnection, RpcDispatcher } from './dispatch.js';
import { type FollowEvent, HeldPins } from './HeldPins.js';
import type { ModernRequest } from './modernMethods.js';

/** Blocks that a client may keep pinned in one follow subscription before the node ends it. */
const MOST_PINNED = 1024;
/** Transactions that one client may have the node rebroadcast at once. */
const MOST_BROADCASTS = 16;

const UNPIN = 'chainHead_v1_unpin';
/** What the specification answers about a block that is not pinned. */
const NOT_PINNED = -32801;
const OF_A_BLOCK: ReadonlySet<string> = new Set(
  ['header', 'body', 'call', 'storage'].map((name) => `chainHead_v1_${name}`),
);

type Translator = ReturnType<ReturnType<typeof withLegacy>>;
type Message = Parameters<Translator['send']>[0];

/** What the translator sends, as far as the limits look at it. */
interface Outgoing {
  readonly id?: string | number | null;
  readonly result?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly subscription: string;
    readonly result: FollowEvent;
  };
}

export class ModernConnection {
  readonly #client: Pick<RpcConnection, 'send'>;
  readonly #runtime: Json;
  readonly #inner: RpcConnection;
  readonly #translator: Translator;
  /** Follow subscription → how many blocks the client has pinned. */
  readonly #pinned = new Map<string, number>();
  /** Follow subscription → what the client unpinned before the translator could do without it. */
  readonly #held = new Map<string, HeldPins>();
  readonly #broadcasts = new Set<string>();
  /** Requests of this file's own, whose answers nobody waits for. */
  readonly #internal = new Set<string | number>();
  #internalCount = 0;
  /** Requests whose answer opens something: what it will be counted as. */
  readonly #opening = new Map<string | number, 'follow' | 'followWithRuntime' | 'broadcast'>();
  /** Follow subscriptions that asked to be told the runtime; the translator never tells it. */
  readonly #withRuntime = new Set<string>();

  /** `versionJson` is what `state_getRuntimeVersion` answers. */
  constructor(
    dispatcher: RpcDispatcher,
    client: Pick<RpcConnection, 'send'>,
    versionJson: Readonly<Record<string, unknown>>,
  ) {
    this.#client = client;
    this.#runtime = { type: 'valid', spec: runtimeSpec(versionJson) };
    let toTranslator: (message: Message) => void = () => undefined;
    this.#inner = {
      subscriptions: new Map(),
      // Never inside the translator's own call: it does not expect answers before its call returns.
      send: (message) => queueMicrotask(() => toTranslator(message as unknown as Message)),
    };
    const legacy = withLegacy((onMessage) => {
      toTranslator = onMessage as (message: Message) => void;
      return { send: (message) => void this.#ask(dispatcher, message), disconnect: () => undefined };
    });
    this.#translator = legacy(
      (message) => this.#pass(message as unknown as Outgoing),
      () => undefined,
    );
  }

  /** Takes a request of one of the `_v1_` methods; the answer goes to the client. */
  send(request: ModernRequest): void {
    const { id, method, params = [] } = request;
    if (id === undefined || id === null) return;
    const refusal = this.#refusalOf(method, params);
    if (refusal !== undefined) this.#refuse(id, refusal);
    else if (this.#isOfHeldBlock(method, params as readonly unknown[]))
      this.#client.send({ jsonrpc: '2.0', id, error: { code: NOT_PINNED, message: 'Block not pinned' } });
    else if (method === UNPIN) this.#unpin(id, params as readonly unknown[]);
    else if (method === 'transaction_v1_broadcast' && this.#broadcasts.size >= MOST_BROADCASTS)
      this.#client.send({ jsonrpc: '2.0', id, result: null }); // how the specification says "no more"
    else this.#translate(id, method, params as readonly unknown[]);
  }

  #refusalOf(method: string, params: unknown): string | undefined {
    if (!Array.isArray(params)) return 'parameters must be an array';
    const needsFollow = method.startsWith('chainHead_') && method !== 'chainHead_v1_follow';
    return needsFollow && !this.#pinned.has(String(params[0])) ? 'Invalid follow subscription' : undefined;
  }

  /** Whether a request is about a block that the client itself has unpinned. */
  #isOfHeldBlock(method: string, params: readonly unknown[]): boolean {
    return OF_A_BLOCK.has(method) && this.#held.get(String(params[0]))?.isHeld(params[1]) === true;
  }

  #unpin(id: string | number, params: readonly unknown[]): void {
    const follow = String(params[0]);
    const hashes = Array.isArray(params[1]) ? (params[1] as unknown[]) : [params[1]];
    const pins = this.#held.get(follow);
    if (!pins || hashes.some((hash) => typeof hash !== 'string')) {
      this.#translate(id, UNPIN, params);
      return;
    }
    this.#pinned.set(follow, Math.max(0, this.#pinned.get(follow)! - hashes.length));
    this.#translate(id, UNPIN, [follow, pins.release(hashes as string[])]);
  }

  /** Asks the translator for something on nobody's behalf. */
  #tell(method: string, ...params: readonly unknown[]): void {
    const id = `own-${this.#internalCount++}`;
    this.#internal.add(id);
    this.#translator.send({ jsonrpc: '2.0', id, method, params } as Message);
  }

  #translate(id: string | number, method: string, params: readonly unknown[]): void {
    if (method.startsWith('chainHead_')) this.#release(method, params);
    if (method === 'transaction_v1_stop') this.#broadcasts.delete(String(params[0]));
    if (method === 'transaction_v1_broadcast') this.#opening.set(id, 'broadcast');
    if (method === 'chainHead_v1_follow')
      this.#opening.set(id, params[0] === true ? 'followWithRuntime' : 'follow');
    try {
      this.#translator.send({ jsonrpc: '2.0', id, method, params } as Message);
    } catch {
      this.#refuse(id, 'Invalid params');
    }
  }

  close(): void {
    this.#translator.disconnect();
    for (const stop of this.#inner.subscriptions.values()) stop();
    this.#inner.subscriptions.clear();
    this.#inner.isClosed = true;
  }

  async #ask(dispatcher: RpcDispatcher, message: unknown): Promise<void> {
    const { response, afterwards } = await dispatcher.handleMessage(message, this.#inner);
    if (response !== undefined) this.#inner.send(response);
    afterwards();
  }

  #pass(message: Outgoing): void {
    if (message.id !== undefined && message.id !== null && this.#internal.delete(message.id)) return;
    const opening =
      message.id === undefined || message.id === null ? undefined : this.#opening.get(message.id);
    if (opening) {
      this.#opening.delete(message.id!);
      if (typeof message.result === 'string') this.#opened(opening, message.result);
    }
    this.#client.send(this.#completed(message) as unknown as Json);
    if (message.params) this.#countPins(message.params);
  }

  #opened(kind: 'follow' | 'followWithRuntime' | 'broadcast', token: string): void {
    if (kind === 'broadcast') this.#broadcasts.add(token);
    else {
      this.#pinned.set(token, 0);
      this.#held.set(token, new HeldPins());
    }
    if (kind === 'followWithRuntime') this.#withRuntime.add(token);
  }

  /**
   * What the translator leaves to be desired: its operations report under their own name instead of the follow
   * event's, nothing is written as the word "null", and the runtime is missing where it was asked for. A node's
   * runtime changes only when the node is restarted.
   */
  #completed(message: Outgoing): Outgoing {
    const { params } = message;
    if (message.result === 'null') return { ...message, result: null };
    if (!params || !this.#pinned.has(params.subscription)) return message;
    const { event } = params.result;
    const runtime: Record<string, unknown> = {};
    if (this.#withRuntime.has(params.subscription)) {
      if (event === 'initialized') runtime['finalizedBlockRuntime'] = this.#runtime;
      if (event === 'newBlock') runtime['newRuntime'] = null;
    }
    const result = { ...params.result, ...runtime };
    return { ...message, method: 'chainHead_v1_followEvent', params: { ...params, result } };
  }

  #countPins({ subscription, result }: NonNullable<Outgoing['params']>): void {
    const before = this.#pinned.get(subscription);
    if (before === undefined) return;
    const more = result.event === 'newBlock' ? 1 : (result.finalizedBlockHashes?.length ?? 0);
    // `finalized` events carry the field too, for blocks that were pinned when they were new.
    const pinned = before + (result.event === 'newBlock' || result.event === 'initialized' ? more : 0);
    this.#pinned.set(subscription, pinned);
    const due = this.#held.get(subscription)?.onEvent(result) ?? [];
    if (due.length > 0) this.#tell(UNPIN, subscription, due);
    if (result.event === 'stop') this.#forget(subscription);
    if (pinned > MOST_PINNED) this.#stop(subscription);
  }

  #release(method: string, params: readonly unknown[]): void {
    const follow = String(params[0]);
    if (method === 'chainHead_v1_unfollow') this.#forget(follow);
  }

  /** Ends a follow subscription from this side, as the specification foresees for slow clients. */
  #stop(subscription: string): void {
    this.#forget(subscription);
    this.#tell('chainHead_v1_unfollow', subscription);
    const params = { subscription, result: { event: 'stop' } };
    this.#client.send({ jsonrpc: '2.0', method: 'chainHead_v1_followEvent', params });
  }

  #forget(subscription: string): void {
    this.#pinned.delete(subscription);
    this.#held.delete(subscription);
    this.#withRuntime.delete(subscription);
  }

  #refuse(id: string | number, message: string): void {
    this.#client.send({ jsonrpc: '2.0', id, error: { code: RPC_CODE.invalidParams, message } });
  }
}

/** The runtime's version in the words of the newer specification. */
function runtimeSpec(version: Readonly<Record<string, unknown>>): Json {
  const { specName, implName, specVersion, implVersion, transactionVersion, apis } = version;
  const listed = (apis ?? []) as readonly (readonly [string, number])[];
  return {
    specName,
    implName,
    specVersion,
    implVersion,
    transactionVersion,
    apis: Object.fromEntries(listed),
  } as Json;
}

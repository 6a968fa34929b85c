/**
 * @file Typed calls between two threads over a message port, both ways: each side offers handlers and calls the
 * other's. Coded errors cross with their data. It knows neither worker_threads nor web workers (the caller adapts the
 * port), never orders handlers (they may overlap), and loses nothing silently: a dead port fails every open call.
 */
import { CodedError, type ErrorInfo, isCodedError, messageOf } from './errors.js';

/** What both kinds of workers have. */
export interface MessagePortLike {
  post(message: unknown, transfer: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** Node's `Worker`, `MessagePort` and `parentPort`, without importing them. */
interface NodePort {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** Adapts a port of `node:worker_threads`. */
export function portOfThread(port: NodePort): MessagePortLike {
  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    onMessage: (listener) => port.on('message', listener),
  };
}

/** Handlers by name: one argument (structured-cloneable), one promised answer. */
// biome-ignore lint/suspicious/noExplicitAny: the argument is contravariant; every use below narrows it by name
export type CallTable = Record<string, (argument: any) => unknown>;

export type PortErrorInfo =
  | { code: 'THREAD_ENDED'; reason: string } // the other thread is gone; what it was doing is lost
  | { code: 'THREAD_FAILED'; name: string }; // an error without a code, a fault of the program
export class PortError extends CodedError<PortErrorInfo> {
  override name = 'PortError';
}

type Message =
  | { kind: 'call'; id: number; name: string; argument: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; info: ErrorInfo; message: string };

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A value whose buffers move to the other side instead of being copied; they are unusable here afterwards. */
export class Moved<T> {
  constructor(
    readonly value: T,
    readonly buffers: readonly ArrayBuffer[],
  ) {}
}

export class PortCalls<Remote extends object> {
  readonly #port: MessagePortLike;
  readonly #handlers: CallTable;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: PortError | undefined;

  constructor(port: MessagePortLike, handlers: CallTable = {}) {
    this.#port = port;
    this.#handlers = handlers;
    port.onMessage((message) => this.#receive(message as Message));
  }

  /** Calls the other side. Throws its error (coded as there), `THREAD_FAILED` or `THREAD_ENDED`. */
  call<K extends keyof Remote & string>(
    name: K,
    argument: Remote[K] extends (argument: infer A) => unknown ? A : never,
    buffers: readonly ArrayBuffer[] = [],
  ): Promise<Remote[K] extends (argument: never) => infer R ? Awaited<R> : never> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const promise = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#post({ kind: 'call', id, name, argument }, buffers);
    return promise as never;
  }

  /** Declares the other side dead: open and later calls fail with `THREAD_ENDED`. */
  end(reason: string, cause?: unknown): void {
    this.#ended ??= new PortError({ code: 'THREAD_ENDED', reason }, `the worker thread ended: ${reason}`, {
      cause,
    });
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }

  #receive(message: Message): void {
    if (message.kind === 'call') {
      void this.#serve(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'answer') pending?.resolve(message.value);
    else pending?.reject(new CodedError(message.info, message.message));
  }

  async #serve({ id, name, argument }: Extract<Message, { kind: 'call' }>): Promise<void> {
    try {
      const handler = this.#handlers[name];
      if (handler === undefined) throw new Error(`no handler "${name}"`);
      const result = await handler(argument);
      if (result instanceof Moved) this.#post({ kind: 'answer', id, value: result.value }, result.buffers);
      else this.#post({ kind: 'answer', id, value: result }, []);
    } catch (error) {
      this.#post({ kind: 'failure', id, ...describe(error) }, []);
    }
  }

  #post(message: Message, buffers: readonly ArrayBuffer[]): void {
    this.#port.post(message, buffers);
  }
}

/** An error as plain data. Infos are data by convention; JSON makes sure, with bigints as decimal text. */
function describe(error: unknown): { info: ErrorInfo; message: string } {
  const message = messageOf(error);
  if (!isCodedError(error))
    return { info: { code: 'THREAD_FAILED', name: (error as Error)?.name ?? 'Error' } as ErrorInfo, message };
  const info = JSON.parse(
    JSON.stringify(error.info, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return { info, message };
}

/**
 * @file What every RPC handler is given, and what it may return: plain JSON. Handlers are short, and synchronous
 * except where a transaction's signature is checked; they throw `NodeError`s, which the dispatcher turns into JSON-RPC errors.
 */
import type { Logger } from '@alice/protocol';
import type { Runtime } from '@alice/runtime';
import type { BlockEngine } from '../engine/interface.js';
import type { Explorer } from '../explorer/Explorer.js';
import type { PastRuntime } from '../RuntimeArchive.js';
import type { Params } from './Params.js';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [field: string]: Json | undefined };

export interface RpcContext {
  readonly engine: BlockEngine;
  readonly runtime: Runtime;
  readonly chainName: string;
  /** The runtime that ruled an older block; `undefined` where it is the running one. */
  readonly runtimeAt?: (blockNumber: number) => PastRuntime | undefined;
  /** Answers in words; absent where the node keeps no index. */
  readonly explorer?: Explorer;
  readonly log: Logger;
}

export type RpcMethod = (context: RpcContext, params: Params) => Json | Promise<Json>;

/** A method that keeps sending: what it is called on the wire, and how it starts. */
export interface RpcSubscription {
  /** The `method` of its notifications. */
  readonly notification: string;
  readonly unsubscribe: string;
  /** Starts sending; `end` closes the subscription from this side. Returns how to stop. */
  start(
    context: RpcContext,
    params: Params,
    stream: { send(result: Json): void; end(): void },
  ): (() => void) | Promise<() => void>;
}

/**
 * @file The types of the parameter server's client: what each route takes and gives, derived from the route table, and
 * the client's options and ports.
 */
import type { Static, TSchema } from '@sinclair/typebox';
import type { KeyPair } from '../keys.js';
import type { BackoffOptions } from './clientBackoff.js';
import type { ServerIdentity } from './clientErrors.js';
import type { RouteName, routes } from './routes.js';
import type { ClientRole, Device } from './schemas.js';

type Table = typeof routes;
export type BodyOf<N extends RouteName> = Table[N] extends { body: infer B }
  ? B extends TSchema
    ? Static<B>
    : Uint8Array
  : undefined;
/** Routes that answer 204 when there is nothing to do now. */
type OfferRoute = 'task' | 'job';
type FullAnswer<N extends RouteName> = Table[N]['answer'] extends infer A
  ? A extends TSchema
    ? Static<A>
    : Uint8Array
  : never;
/** What a route offers; `offer` is undefined for "nothing now, ask again in `retryAfterMs`". */
export interface Offered<T> {
  readonly offer: T | undefined;
  readonly retryAfterMs: number;
}
export type AnswerOf<N extends RouteName> = N extends OfferRoute ? Offered<FullAnswer<N>> : FullAnswer<N>;

export interface CallOptions<N extends RouteName> {
  /** Values for the `:names` in the route's path. */
  readonly params?: Readonly<Record<string, string | number>> | undefined;
  readonly body?: BodyOf<N> | undefined;
  /** Those that the route's own schema names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Added to the idle timeout: how long the server may keep the request open on purpose. */
  readonly waitMs?: number | undefined;
  /** The bytes [from, to) of the answer only, of routes that honour Range. */
  readonly range?: { readonly from: number; readonly to: number } | undefined;
  /** Bound on the answer; default by kind of answer. */
  readonly maxAnswerBytes?: number | undefined;
  /** Told how much of the answer is here, also of what a broken connection had brought before. */
  readonly onReceived?: ((bytes: number) => void) | undefined;
}

/** Who registers. Without it a client may only call public routes. */
export interface ClientMember {
  readonly key: KeyPair;
  readonly instance: string;
  readonly role: ClientRole;
  readonly device: Device;
  /** Where rewards go; the key's address when absent (SPEC REG-2). */
  readonly rewardAddress?: string | undefined;
}

export interface RetryNotice {
  readonly route: RouteName;
  /** The server's refusal code, or the code of our own error. */
  readonly code: string;
  /** A sentence for a person. */
  readonly reason: string;
  readonly inMs: number;
  readonly failures: number;
}

export interface ServerClientOptions {
  /** `https://…`, or `http://` to this machine. */
  readonly url: string;
  readonly member?: ClientMember | undefined;
  /** The network and server that must answer; otherwise the first answer is pinned. */
  readonly identity?: ServerIdentity | undefined;
  /** Tries of one call before its error is thrown; `Infinity` keeps trying. */
  readonly attempts?: number;
  /** A call fails when nothing arrives for this long. */
  readonly idleTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
  /** Ends registrations and waits; calls may have a signal of their own besides. */
  readonly signal?: AbortSignal | undefined;
}

/** The outside world, each with the platform's own as default. */
export interface ServerClientPorts {
  readonly fetch?: typeof fetch;
  readonly nowMs?: () => number;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onRetry?: (notice: RetryNotice) => void;
}

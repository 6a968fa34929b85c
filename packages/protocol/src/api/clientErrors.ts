/**
 * @file The errors of talking to a parameter server. A refusal carries the server's own code as `refusal`, so that
 * callers switch on it; nothing here ever holds a token or a key.
 */
import { CodedError, isCodedError } from '../errors.js';
import type { RouteName } from './routes.js';

export type ServerCallErrorInfo =
  | { code: 'SERVER_URL_INVALID'; url: string } // not http(s)://host[:port]
  | { code: 'TLS_REQUIRED'; host: string } // plain http to a host that is not this machine (SPEC REG-3)
  | { code: 'SERVER_UNREACHABLE'; route: RouteName; why: 'network' | 'timeout' } // no answer, or it broke off
  | {
      code: 'SERVER_REFUSED';
      route: RouteName;
      status: number;
      /** The server's code, e.g. `NONCE_USED`; `HTTP_502` where the answer was not the server's own. */
      refusal: string;
      /** How long the server asks to wait; null when it does not say. */
      retryAfterMs: number | null;
      /** The facts the server gave with the refusal. */
      detail: Readonly<Record<string, unknown>>;
    }
  | { code: 'SERVER_ANSWER_INVALID'; route: RouteName; path: string } // not what the route table promises
  | { code: 'PROTOCOL_MISMATCH'; ours: number } // a program of another release is needed
  | { code: 'SERVER_IDENTITY_CHANGED'; expected: ServerIdentity; actual: ServerIdentity } // another network or server answers here
  | { code: 'CLIENT_ANONYMOUS'; route: RouteName }; // the route needs a registered key and this client has none

export class ServerCallError extends CodedError<ServerCallErrorInfo> {
  override name = 'ServerCallError';
}

/** Which network, and whose parameter server: what a client pins after the first contact. */
export interface ServerIdentity {
  readonly networkId: string;
  readonly serverId: string;
}

/** True for every error of this file, also when a bundler has duplicated the class. */
export function isServerCallError(error: unknown): error is ServerCallError {
  return (
    isCodedError(error) &&
    /^(SERVER_|PROTOCOL_MISMATCH$|TLS_REQUIRED$|CLIENT_ANONYMOUS$)/.test(error.info.code)
  );
}

/** The server's own code when `error` is a refusal, else undefined. */
export function refusalOf(error: unknown): string | undefined {
  return isServerCallError(error) && error.info.code === 'SERVER_REFUSED' ? error.info.refusal : undefined;
}

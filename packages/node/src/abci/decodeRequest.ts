/** @file One ABCI message out of the bytes of its frame: what is asked, and the content of the request. */
import { Request } from 'cosmjs-types/tendermint/abci/types';

/** Throws an error of whatever kind on bytes that are no request; the connection is then of no use any more. */
export function decodeRequest(frame: Uint8Array): {
  readonly kind: keyof Request;
  readonly request: Request;
} {
  const request = Request.decode(frame);
  const kind = (Object.keys(request) as (keyof Request)[]).find((key) => request[key] !== undefined);
  if (!kind) throw new RangeError('an ABCI request without content');
  return { kind, request };
}

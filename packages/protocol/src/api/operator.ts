/**
 * @file What an operator may tell a running parameter server: ban an address or lift a ban. Authorised by a signature
 * with the server's own key over the exact words and the time, so no second secret exists; repeating one changes nothing.
 */
import { type Static, Type } from '@sinclair/typebox';
import { utf8 } from '../bytes.js';
import { AddressSchema } from './schemas.js';

export const OperatorRequestSchema = Type.Object(
  {
    action: Type.Union([Type.Literal('ban'), Type.Literal('unban')]),
    address: AddressSchema,
    reason: Type.String({ maxLength: 200 }),
    /** When it was signed; good for a minute. */
    atMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    signature: Type.String({ pattern: '^0x[0-9a-f]{128}$' }),
  },
  { additionalProperties: false },
);
export type OperatorRequest = Static<typeof OperatorRequestSchema>;

export const BansSchema = Type.Object({
  bans: Type.Array(
    Type.Object({
      address: Type.String(),
      reason: Type.String(),
      /** `operator` or `chain`. */
      source: Type.String(),
      bannedAtMs: Type.Integer({ minimum: 0 }),
    }),
  ),
});
export type Bans = Static<typeof BansSchema>;

/** The bytes that the server's key signs. */
export function operatorMessage(networkId: string, request: Omit<OperatorRequest, 'signature'>): Uint8Array {
  const { action, address, reason, atMs } = request;
  return utf8.encode(
    ['alice/operator/v1', networkId, action, address, String(atMs), JSON.stringify(reason)].join('\n'),
  );
}

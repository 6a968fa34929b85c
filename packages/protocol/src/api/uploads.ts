/**
 * @file Uploads that go on where they broke, with the fields of the IETF's "Resumable Uploads for HTTP" (draft -14) and the
 * digest of RFC 9530. The upload resource of a task has a fixed address, so a client needs no interim answer to find it.
 */
import { type Static, Type } from '@sinclair/typebox';
import { fromHex, toHex } from '../bytes.js';
import type { HashHex } from '../hash.js';
import { HashSchema } from './schemas.js';

/** Content type of the rest of an upload. */
export const PARTIAL_UPLOAD = 'application/partial-upload';

const DIGEST_FIELD = /^sha-256=:([A-Za-z0-9+/]{43}=):$/;
const DigestFieldSchema = Type.String({ pattern: DIGEST_FIELD.source });

/** Names the bytes that are sent by their SHA-256; what has arrived of them is then kept when the connection breaks. */
export const SubmitHeadersSchema = Type.Object({
  'repr-digest': Type.Optional(Type.String({ maxLength: 1_000 })),
});

/** The rest of these bytes from this offset on, to the end. */
export const ResumeHeadersSchema = Type.Object({
  'repr-digest': DigestFieldSchema,
  'upload-offset': Type.String({ pattern: '^\\d{1,15}$' }),
  'upload-complete': Type.Literal('?1'),
});

/** What the server has of a task's submission. */
export const UploadSchema = Type.Object({
  /** Bytes that need not be sent again. */
  offsetBytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  /** Of the whole, as it was announced; null when there is nothing. */
  digest: Type.Union([HashSchema, Type.Null()]),
  /** Once all of it is stored for good. */
  submissionId: Type.Union([Type.String({ maxLength: 64 }), Type.Null()]),
});
export type UploadState = Static<typeof UploadSchema>;

/** `Repr-Digest` of bytes with this SHA-256. */
export function digestField(hash: HashHex): string {
  return `sha-256=:${btoa(String.fromCharCode(...fromHex(hash)))}:`;
}

/** The SHA-256 in a `Repr-Digest`; undefined where there is none in the form that `digestField` writes. */
export function hashOfDigestField(field: unknown): HashHex | undefined {
  const base64 = typeof field === 'string' ? DIGEST_FIELD.exec(field)?.[1] : undefined;
  if (base64 === undefined) return undefined;
  return toHex(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

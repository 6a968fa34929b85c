/**
 * @file Text that the database can hold: no NUL and no half of a surrogate pair. JSON and percent-encoding can carry both,
 * no honest client sends either, and PostgreSQL refuses them only after the request has cost something. Nor is any message
 * nested deeply, while 16 KB of brackets are deeper than a stack.
 */
import { ServerError } from '../errors.js';

/** Levels of a message; those of the protocol have six at most. */
const MAX_DEPTH = 32;

/** Of everything in a message or in the parameters of a path. Throws `BAD_REQUEST` naming the field. */
export function checkText(value: unknown, field: string, depth = 0): void {
  if (typeof value === 'string') {
    if (!value.includes('\0') && isWellFormed(value)) return;
    throw new ServerError({ code: 'BAD_REQUEST', field }, `${field}: not text that can be stored`);
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (depth > MAX_DEPTH)
    throw new ServerError(
      { code: 'BAD_REQUEST', field },
      `${field}: nested more than ${MAX_DEPTH} levels deep`,
    );
  for (const [key, inner] of Object.entries(value)) {
    checkText(key, field, depth);
    checkText(inner, field === '' ? key : `${field}.${key}`, depth + 1);
  }
}

/** A pair survives as it is; what is left of the surrogates then stands alone. */
function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDFFF]/u.test(text);
}

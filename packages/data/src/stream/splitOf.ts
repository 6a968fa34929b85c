/**
 * @file Which split a document belongs to: a pure function of its text and the seed. A document keeps its side whatever
 * else is added to or taken from the source, however often a build is interrupted, and however large the parts
 * are made later: larger parts contain the smaller ones. (DATA-1)
 */
import { createHash } from 'node:crypto';
import type { Split } from '../manifest.js';
import type { StreamSettings } from './settings.js';

/** First 16 bytes of SHA-256 of the text: two different documents share them with chance 2⁻⁶⁴ at four billion. */
export function fingerprintOf(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}

/** Validation takes the bottom of the hash's range, audit the top. */
export function splitOf(
  fingerprint: Uint8Array,
  {
    seed,
    validationFraction,
    auditFraction,
  }: Pick<StreamSettings, 'seed' | 'validationFraction' | 'auditFraction'>,
): Split {
  const place =
    createHash('sha256').update(`${seed}|split|`).update(fingerprint).digest().readUIntBE(0, 6) / 2 ** 48;
  if (place < validationFraction) return 'validation';
  return place >= 1 - auditFraction ? 'audit' : 'train';
}

/** @file Where a source is: paths become absolute; addresses and "builtin" stay. */
import { resolve } from 'node:path';

export function placeOf(source: string): string {
  return source === 'builtin' || /^(hf:|https?:)/.test(source) ? source : resolve(source);
}

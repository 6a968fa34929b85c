/** @file One HTTP byte range (RFC 9110 §14): `bytes=a-b`, `bytes=a-`, `bytes=-n`. Several ranges are answered in full. */

export interface ByteRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** The range, `all` when none or several are asked for, or `invalid` when it lies outside the content. */
export function byteRange(header: string | undefined, sizeBytes: number): ByteRange | 'all' | 'invalid' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return 'all';
  const [, first, last] = match;
  if (first === '') {
    const count = Math.min(Number(last), sizeBytes);
    return count === 0 ? 'invalid' : { from: sizeBytes - count, to: sizeBytes - 1 };
  }
  const from = Number(first);
  const to = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return from >= sizeBytes || to < from ? 'invalid' : { from, to };
}

/** @file What the operating system refuses, as a code of ours with the next step; its own words follow. */

const REMEDIES: Readonly<Record<string, readonly [code: string, remedy: string]>> = {
  EACCES: ['NOT_PERMITTED', 'give yourself the right to it, or choose another place (--dir, --out)'],
  EPERM: ['NOT_PERMITTED', 'give yourself the right to it, or choose another place (--dir, --out)'],
  EROFS: ['NOT_PERMITTED', 'this disk is read-only: choose another place (--dir, --out)'],
  ENOSPC: ['DISK_FULL', 'make room on the disk; what was being written is not kept half'],
  EDQUOT: ['DISK_FULL', 'your share of the disk is used up: make room'],
  ENOENT: ['FILE_NOT_FOUND', 'check the path'],
  ENOTDIR: ['PATH_INVALID', 'check the path: a part of it is a file'],
  EISDIR: ['PATH_INVALID', 'check the path: it is a folder'],
  EMFILE: ['TOO_MANY_FILES', 'raise the limit of open files (ulimit -n)'],
};

export interface SaidError {
  readonly code: string;
  readonly message: string;
}

/** Undefined for errors of another kind. */
export function systemError(error: unknown): SaidError | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  const { code: name, message } = error;
  const known = typeof name === 'string' && Object.hasOwn(REMEDIES, name) ? REMEDIES[name] : undefined;
  return known && { code: known[0], message: `${message.replace(`${name}: `, '')}: ${known[1]}` };
}

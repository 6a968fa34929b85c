/**
 * @file A source file's path as manifests write it: what some system cannot have in a name is percent-encoded, and so is
 * "%" itself, so that decoding gives the path back.
 */

export function writtenPath(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return path.replace(/[\\%\u0000-\u001f\u007f]|(?<=^[A-Za-z]|\/[A-Za-z]):/g, encodeURIComponent);
}

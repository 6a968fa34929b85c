/** @file The name of a dataset, from where its text came from: safe as a file name. */
import { basename, extname, resolve } from 'node:path';
import { BUILTIN } from './sources/builtinCorpus.js';

export function sourceName(source: string): string {
  if (source === BUILTIN) return BUILTIN;
  const isAddress = /^(hf:|https?:)/.test(source);
  const name = isAddress
    ? source.replace(/^\w+:(\/\/)?/, '').replace(/[?#].*$/, '')
    : basename(resolve(source), extname(source));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return name.replace(/[/\\:\u0000-\u001f\u007f]/g, '_').slice(0, 80) || 'text';
}

/** @file Reads the file of a chain specification; what is in it is checked by the node. */
import { readFileSync } from 'node:fs';
import { messageOf } from '@alice/protocol';
import { CliError } from '../errors.js';

/** The JSON of a specification file. Throws `OPTION_INVALID`. */
export function readSpec(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--spec' },
      `cannot read the chain specification ${path}: ${messageOf(error)}. "alice node spec --parameter-server ADDRESS" prints one`,
    );
  }
}

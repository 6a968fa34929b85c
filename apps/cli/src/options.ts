/** @file Parsers of option values shared by the commands; each refuses with OPTION_INVALID and says what is allowed. */
import { CliError } from './errors.js';

/** A whole number within [min, max]. */
export function integerOption(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new CliError(
      { code: 'OPTION_INVALID', option: name },
      `${name} takes a whole number from ${min} to ${max}, not "${text}"`,
    );
  };
}

/** Of `alice server` and `alice up`: the one epoch at which a lost database may be done without. */
export const BEGIN_ANEW_OPTION = [
  '--begin-anew <epoch>',
  'the database was lost and there is no backup: train a new model on the same chain, which is at this epoch',
  integerOption('--begin-anew', 1, 0xffff_ffff),
] as const;

export const portOption = (name: string) => integerOption(name, 1, 65_535);

/** Where a program listens: 0 takes a free port, which it prints. */
export const listenPortOption = (name: string) => integerOption(name, 0, 65_535);

/** One of a list. */
export function choiceOption<T extends string>(name: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    if ((choices as readonly string[]).includes(text)) return text as T;
    throw new CliError(
      { code: 'OPTION_INVALID', option: name },
      `${name} takes one of ${choices.join(', ')}, not "${text}"`,
    );
  };
}

/** `http://host:port` or `https://…`, without a trailing slash. */
export function urlOption(name: string): (text: string) => string {
  return (text) => {
    try {
      const url = new URL(text);
      if (url.protocol === 'http:' || url.protocol === 'https:') return text.replace(/\/+$/, '');
    } catch {
      // falls through to the one error below
    }
    throw new CliError(
      { code: 'OPTION_INVALID', option: name },
      `${name} takes an address such as http://127.0.0.1:8420, not "${text}"`,
    );
  };
}

/** @file Parser of option values that are numbers with a fraction. */
import { CliError } from '../errors.js';

/** A number within [min, max]. Throws `OPTION_INVALID`. */
export function numberOption(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new CliError(
      { code: 'OPTION_INVALID', option: name },
      `${name} takes a number from ${min} to ${max}, not "${text}"`,
    );
  };
}

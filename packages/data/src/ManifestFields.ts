/** @file Typed, checked reading of the fields of a manifest. Every refusal names the file and the field. */
import type { HashHex } from '@alice/protocol';
import { DataError } from './errors.js';

/** One JSON object of a manifest; `at` is where it is, for messages. */
export class ManifestFields {
  readonly #file: string;
  readonly #at: string;
  readonly #object: Readonly<Record<string, unknown>>;

  private constructor(file: string, at: string, object: unknown) {
    this.#file = file;
    this.#at = at;
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      this.#object = {};
      throw this.invalid('', 'must be a JSON object');
    }
    this.#object = object as Record<string, unknown>;
  }

  /** The outermost object of a manifest's text. Throws `MANIFEST_INVALID`. */
  static parse(text: string, file: string): ManifestFields {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw invalid({ file, field: '', reason: 'is not JSON' }, cause);
    }
    return new ManifestFields(file, '', value);
  }

  invalid(field: string, reason: string): DataError {
    return invalid({ file: this.#file, field: `${this.#at}${field}`, reason });
  }

  check(field: string, holds: boolean, reason: string): void {
    if (!holds) throw this.invalid(field, reason);
  }

  /** Refuses fields that are not named. */
  only(...names: readonly string[]): void {
    for (const name of Object.keys(this.#object))
      this.check(name, names.includes(name), 'is not a field of this format');
  }

  value(field: string): unknown {
    return Object.hasOwn(this.#object, field) ? this.#object[field] : undefined;
  }

  integer(field: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.value(field);
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    throw this.invalid(
      field,
      least === most ? `must be ${least}` : `must be an integer from ${least} to ${most}`,
    );
  }

  fraction(field: string): number {
    const value = this.value(field);
    if (typeof value === 'number' && value > 0 && value < 1) return value;
    throw this.invalid(field, 'must be between 0 and 1');
  }

  text(field: string, most: number): string {
    const value = this.value(field);
    if (typeof value === 'string' && value.length <= most) return value;
    throw this.invalid(field, `must be a text of at most ${most} characters`);
  }

  hash(field: string): HashHex {
    const value = this.value(field);
    if (typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)) return value as HashHex;
    throw this.invalid(field, 'must be 0x and 64 lower-case hexadecimal digits');
  }

  /** A name that is safe as a file name on every system: no separators, no control characters, no dots alone. */
  fileName(field: string): string {
    const value = this.text(field, 200);
    this.check(field, isPathSegment(value), 'must be a plain name without separators');
    return value;
  }

  /** A path that stays below its folder on every system. */
  relativePath(field: string): string {
    const value = this.text(field, 4096);
    this.check(field, isRelativePath(value), 'must be a relative path that does not leave its folder');
    return value;
  }

  object(field: string): ManifestFields {
    return new ManifestFields(this.#file, `${this.#at}${field}.`, this.value(field));
  }

  list(field: string): ManifestFields[] {
    const value = this.value(field);
    if (!Array.isArray(value)) throw this.invalid(field, 'must be a list');
    return value.map((entry, i) => new ManifestFields(this.#file, `${this.#at}${field}[${i}].`, entry));
  }
}

/** Whether a text is a path that stays below its folder on every system. */
export function isRelativePath(text: string): boolean {
  return text.length <= 4096 && text.split('/').every(isPathSegment);
}

/** Whether a text can be one segment of a path on any system and means nothing special there. */
function isPathSegment(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  return text !== '' && text !== '.' && text !== '..' && !/[/\\\u0000-\u001f\u007f]|^[A-Za-z]:/.test(text);
}

function invalid(where: { file: string; field: string; reason: string }, cause?: unknown): DataError {
  return new DataError(
    { code: 'MANIFEST_INVALID', ...where },
    `${where.file}${where.field === '' ? '' : `, field ${where.field}`}: ${where.reason}. ` +
      'Build the dataset again, or fetch the manifest again from where it came',
    { cause },
  );
}

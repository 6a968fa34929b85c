/** @file Reads the fields of a JSON object one by one and refuses what is of the wrong type by the field's name. `null` counts as absent, as it does for OpenAI. */
import { invalid } from './serveError.js';

export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #at: string;

  /** `at`: where the object stands in the message, for refusals. Throws `invalid_request`. */
  constructor(value: unknown, at = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(at || null, `${at || 'the body'} must be a JSON object`);
    this.#object = value as Record<string, unknown>;
    this.#at = at;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined;
  }

  text(name: string): string | undefined {
    return this.#typed(name, 'a text', (value) => typeof value === 'string') as string | undefined;
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'true or false', (value) => typeof value === 'boolean') as boolean | undefined;
  }

  number(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const fits = (value: unknown): boolean => typeof value === 'number' && value >= min && value <= max;
    return this.#typed(name, `a number from ${min} to ${max}`, fits) as number | undefined;
  }

  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const fits = (value: unknown): boolean =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
    return this.#typed(name, `a whole number from ${min} to ${max}`, fits) as number | undefined;
  }

  object(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Fields(value, this.#path(name));
  }

  #typed(name: string, wanted: string, fits: (value: unknown) => boolean): unknown {
    const value = this.value(name);
    if (value === undefined || fits(value)) return value;
    throw invalid(this.#path(name), `${this.#path(name)} takes ${wanted}`);
  }

  #path(name: string): string {
    return this.#at ? `${this.#at}.${name}` : name;
  }
}

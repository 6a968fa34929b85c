/**
 * @file Positional JSON-RPC parameters, read by kind. Whatever a client sends, the answer is a value of that kind or
 * the coded error -32602; nothing here trusts a length.
 */
import { fromHex, type HexString } from '@alice/protocol';
import { RPC_CODE, rpcError } from '../errors.js';

/** Hex digits of the longest byte string a request can hold; the body limit is lower still. */
const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;
const HASH = /^0x[0-9a-fA-F]{64}$/;
const BLOCK_NUMBER = /^(?:0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/;

export class Params {
  readonly #values: readonly unknown[];

  /** Throws -32602 unless `values` is absent or an array. */
  constructor(values: unknown) {
    if (values !== undefined && values !== null && !Array.isArray(values))
      throw rpcError(RPC_CODE.invalidParams, 'Invalid params', 'parameters must be an array');
    this.#values = (values as readonly unknown[] | null | undefined) ?? [];
  }

  isAbsent(at: number): boolean {
    return this.#values[at] === undefined || this.#values[at] === null;
  }

  raw(at: number): unknown {
    return this.#values[at];
  }

  text(at: number): string {
    const value = this.#values[at];
    return typeof value === 'string' ? value : invalid(at, 'a string');
  }

  bytes(at: number): Uint8Array {
    return bytesOf(this.#values[at], at);
  }

  optionalBytes(at: number): Uint8Array | undefined {
    return this.isAbsent(at) ? undefined : this.bytes(at);
  }

  hash(at: number): HexString {
    const value = this.#values[at];
    return typeof value === 'string' && HASH.test(value) ? asHex(value) : invalid(at, 'a 32-byte hash');
  }

  optionalHash(at: number): HexString | undefined {
    return this.isAbsent(at) ? undefined : this.hash(at);
  }

  /** A whole number in [0, most]. */
  count(at: number, most: number): number {
    const value = this.#values[at];
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
    return invalid(at, `a whole number up to ${most}`);
  }

  /** Up to `most` byte strings. */
  bytesList(at: number, most: number): Uint8Array[] {
    const value = this.#values[at];
    if (!Array.isArray(value) || value.length > most)
      return invalid(at, `a list of up to ${most} hex strings`);
    return value.map((item) => bytesOf(item, at));
  }
}

/** A block number as clients write it: a JSON number, decimal digits or hex. */
export function blockNumberOf(value: unknown): number {
  if (typeof value === 'string' && BLOCK_NUMBER.test(value)) return Number(value);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw rpcError(
    RPC_CODE.invalidParams,
    'Invalid params',
    'a block number is a whole number or a hex string',
  );
}

function bytesOf(value: unknown, at: number): Uint8Array {
  if (value === '') return new Uint8Array(); // how PAPI writes no arguments
  return typeof value === 'string' && HEX.test(value) ? fromHex(value) : invalid(at, 'a 0x… byte string');
}

function asHex(text: string): HexString {
  return text.toLowerCase() as HexString;
}

function invalid(at: number, wanted: string): never {
  throw rpcError(RPC_CODE.invalidParams, 'Invalid params', `parameter ${at + 1} must be ${wanted}`);
}

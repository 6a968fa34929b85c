/** @file An extrinsic's bytes → who calls what with which arguments. Format 4, signed or bare, as this chain has them. */
import { blake2b256, type HashHex, toHex } from '@alice/protocol';
import { ByteReader } from './ByteReader.js';
import { isChoice, readValue, type Value } from './decodeValue.js';
import type { Metadata } from './metadata.js';

export interface DecodedExtrinsic {
  readonly hash: HashHex;
  readonly sizeBytes: number;
  readonly pallet: string;
  readonly call: string;
  readonly arguments: Readonly<Record<string, Value>>;
  /** Absent for the block's own inherents. */
  readonly signer: string | undefined;
  readonly extensions: Readonly<Record<string, Value>>;
}

const BARE = 4;
const SIGNED = 0x84;

/** Throws `SCALE_INVALID`. */
export function decodeExtrinsic(metadata: Metadata, bytes: Uint8Array): DecodedExtrinsic {
  const from = new ByteReader(bytes, 'an extrinsic');
  from.compact(); // its length
  const format = from.u8();
  if (format !== BARE && format !== SIGNED) throw from.invalid();
  const typeOf = (role: string): number => metadata.types.get(metadata.extrinsic)?.parameters.get(role) ?? -1;
  let signer: string | undefined;
  const extensions: Record<string, Value> = {};
  if (format === SIGNED) {
    signer = accountOf(readValue(metadata, typeOf('Address'), from));
    readValue(metadata, typeOf('Signature'), from);
    for (const { name, type } of metadata.extensions) extensions[name] = readValue(metadata, type, from);
  }
  const call = readValue(metadata, typeOf('Call'), from);
  from.end();
  const inner = isChoice(call) ? call.fields['0'] : undefined;
  if (!isChoice(call) || !isChoice(inner)) throw from.invalid();
  const hash = toHex(blake2b256(bytes));
  return {
    hash,
    sizeBytes: bytes.length,
    pallet: call.variant,
    call: inner.variant,
    arguments: inner.fields,
    signer,
    extensions,
  };
}

/** The address inside a `MultiAddress`. */
function accountOf(address: Value): string {
  const id = isChoice(address) ? address.fields['0'] : address;
  return typeof id === 'string' ? id : 'unknown signer';
}

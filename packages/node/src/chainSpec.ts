/**
 * @file The chain specification: what a network's block 0 holds, as a JSON file that people write. It is checked
 * completely before anything starts, with the field named that is wrong. Two nodes with equal specifications make
 * the same genesis block.
 */
import { type HexString, hashJson, MAX_SUPPLY_PLANCK, publicKeyOf } from '@alice/protocol';
import type { GenesisSpec } from '@alice/runtime';
import { NodeError } from './errors.js';

/** The JSON form of a genesis: addresses in SS58 (prefix 300), amounts in planck as decimal strings. */
export interface ChainSpec {
  readonly chainName: string;
  /** Start of the emission schedule and time of block 0, in milliseconds since 1970. */
  readonly timestampMs: number;
  readonly balances: readonly { readonly address: string; readonly planck: string }[];
  /** The account whose epoch reports are accepted. */
  readonly parameterServer: string;
  /** The account that collects fees and dust. */
  readonly feeCollector: string;
}

const FIELDS = ['chainName', 'timestampMs', 'balances', 'parameterServer', 'feeCollector'] as const;
const CHAIN_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;
const AMOUNT = /^[0-9]{1,24}$/;

/** Checks a specification: JSON text or what `JSON.parse` gave. Needs `initCrypto`. Throws `CHAIN_SPEC_INVALID`. */
export function parseChainSpec(json: unknown): ChainSpec {
  const spec = fieldsOf(typeof json === 'string' ? parsed(json) : json, 'the specification', FIELDS);
  const { chainName, timestampMs, balances, parameterServer, feeCollector } = spec;
  if (typeof chainName !== 'string' || !CHAIN_NAME.test(chainName))
    throw invalid('chainName', 'must be 1 to 64 letters, digits, spaces, dots, dashes or underscores');
  if (typeof timestampMs !== 'number' || !Number.isSafeInteger(timestampMs) || timestampMs <= 0)
    throw invalid('timestampMs', 'must be whole milliseconds since 1970');
  return {
    chainName,
    timestampMs,
    balances: balancesOf(balances),
    parameterServer: addressOfField('parameterServer', parameterServer),
    feeCollector: addressOfField('feeCollector', feeCollector),
  };
}

/** The same specification as the runtime takes it. */
export function genesisOf(spec: ChainSpec): GenesisSpec {
  return {
    chainName: spec.chainName,
    timestampMs: BigInt(spec.timestampMs),
    balances: spec.balances.map(({ address, planck }) => ({
      account: publicKeyOf(address),
      planck: BigInt(planck),
    })),
    parameterServer: publicKeyOf(spec.parameterServer),
    feeCollector: publicKeyOf(spec.feeCollector),
  };
}

/** Names a specification: equal contents, equal hash, whatever the order of fields in the file. */
export function chainSpecHash(spec: ChainSpec): HexString {
  return hashJson(spec);
}

function balancesOf(value: unknown): ChainSpec['balances'] {
  if (!Array.isArray(value)) throw invalid('balances', 'must be a list of {address, planck}');
  const seen = new Set<string>();
  let total = 0n;
  return value.map((item: unknown, i) => {
    const field = `balances[${i}]`;
    const entry = fieldsOf(item, field, ['address', 'planck']);
    const address = addressOfField(`${field}.address`, entry['address']);
    const { planck } = entry;
    if (seen.has(address)) throw invalid(`${field}.address`, 'appears twice');
    if (typeof planck !== 'string' || !AMOUNT.test(planck))
      throw invalid(`${field}.planck`, 'must be a decimal string, for example "1000000000000" for 1 ALICE');
    seen.add(address);
    total += BigInt(planck);
    if (total > MAX_SUPPLY_PLANCK) throw invalid('balances', 'add up to more than the whole supply');
    return { address, planck };
  });
}

function addressOfField(field: string, value: unknown): string {
  try {
    publicKeyOf(String(value));
  } catch {
    throw invalid(field, 'must be an Alice address (SS58 prefix 300, starts with "a2")');
  }
  return String(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('the file', 'is not JSON', cause);
  }
}

/** An object with exactly these fields. */
function fieldsOf(value: unknown, name: string, wanted: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(name, 'must be an object');
  const missing = wanted.find((field) => !Object.hasOwn(value, field));
  if (missing !== undefined) throw invalid(missing, `is missing in ${name}`);
  const extra = Object.keys(value).find((field) => !wanted.includes(field));
  if (extra !== undefined) throw invalid(extra, `is not a field of ${name}`);
  return value as Record<string, unknown>;
}

function invalid(field: string, problem: string, cause?: unknown): NodeError {
  const info = { code: 'CHAIN_SPEC_INVALID', field } as const;
  return new NodeError(info, `chain specification: ${field} ${problem}`, { cause });
}

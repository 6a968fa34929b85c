/**
 * @file The chain specification: what a network's block 0 holds, as a JSON file that people write. It is checked
 * completely before anything starts, with the field named that is wrong. Two nodes with equal specifications make
 * the same genesis block.
 */
import { fromHex, type HexString, hashJson, MAX_SUPPLY_PLANCK, publicKeyOf } from '@alice/protocol';
import { type GenesisSpec, type GenesisValidator, INITIAL_RULES } from '@alice/runtime';
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
  /** Validators of the first session; without any, validators are those of CometBFT's genesis and nothing is at stake. */
  readonly validators?: readonly SpecValidator[];
  /** Who may use root calls until the key is removed; without one there is no root. */
  readonly sudo?: string;
  /** Staking rules that differ from the defaults, in the metadata's names: whole numbers, large ones as strings. */
  readonly staking?: Readonly<Record<string, number | string>>;
}

export interface SpecValidator {
  readonly address: string;
  /** The ed25519 key with which CometBFT signs votes, 0x and 64 hex digits. */
  readonly consensusKey: HexString;
  /** Bonded from the address's genesis balance; "0" for a validator that is trusted without a bond. */
  readonly stakePlanck: string;
}

const FIELDS = ['chainName', 'timestampMs', 'balances', 'parameterServer', 'feeCollector'] as const;
const OPTIONAL_FIELDS = ['validators', 'sudo', 'staking'] as const;
/** Rules that are too large for a JSON number. */
const LARGE_RULES = [
  'minimum_validator_stake',
  'minimum_parameter_server_stake',
  'unbonding_ms',
  'slash_defer_ms',
];
const CONSENSUS_KEY = /^0x[0-9a-f]{64}$/;
const CHAIN_NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u;
const AMOUNT = /^[0-9]{1,24}$/;

/** Checks a specification: JSON text or what `JSON.parse` gave. Needs `initCrypto`. Throws `CHAIN_SPEC_INVALID`. */
export function parseChainSpec(json: unknown): ChainSpec {
  const spec = fieldsOf(
    typeof json === 'string' ? parsed(json) : json,
    'the specification',
    FIELDS,
    OPTIONAL_FIELDS,
  );
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
    ...(spec['validators'] === undefined ? {} : { validators: validatorsOf(spec['validators']) }),
    ...(spec['sudo'] === undefined ? {} : { sudo: addressOfField('sudo', spec['sudo']) }),
    ...(spec['staking'] === undefined ? {} : { staking: rulesOf(spec['staking']) }),
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
    ...(spec.sudo === undefined ? {} : { sudo: publicKeyOf(spec.sudo) }),
    ...(spec.validators === undefined ? {} : { validators: spec.validators.map(genesisValidator) }),
    ...(spec.staking === undefined ? {} : { staking: stakingOf(spec.staking) }),
  };
}

function genesisValidator({ address, consensusKey, stakePlanck }: SpecValidator): GenesisValidator {
  return {
    account: publicKeyOf(address),
    consensusKey: fromHex(consensusKey),
    stakePlanck: BigInt(stakePlanck),
  };
}

function stakingOf(rules: NonNullable<ChainSpec['staking']>): NonNullable<GenesisSpec['staking']> {
  const typed = Object.entries(rules).map(([name, value]) => [
    name,
    LARGE_RULES.includes(name) ? BigInt(value) : Number(value),
  ]);
  return Object.fromEntries(typed) as NonNullable<GenesisSpec['staking']>;
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

function validatorsOf(value: unknown): readonly SpecValidator[] {
  if (!Array.isArray(value))
    throw invalid('validators', 'must be a list of {address, consensusKey, stakePlanck}');
  return value.map((item: unknown, i) => {
    const field = `validators[${i}]`;
    const entry = fieldsOf(item, field, ['address', 'consensusKey', 'stakePlanck']);
    const { consensusKey, stakePlanck } = entry;
    if (typeof consensusKey !== 'string' || !CONSENSUS_KEY.test(consensusKey))
      throw invalid(`${field}.consensusKey`, 'must be 0x and 64 lower-case hex digits');
    if (typeof stakePlanck !== 'string' || !AMOUNT.test(stakePlanck))
      throw invalid(`${field}.stakePlanck`, 'must be a decimal string');
    const address = addressOfField(`${field}.address`, entry['address']);
    return { address, consensusKey: consensusKey as HexString, stakePlanck };
  });
}

function rulesOf(value: unknown): NonNullable<ChainSpec['staking']> {
  const rules = fieldsOf(value, 'staking', [], Object.keys(INITIAL_RULES));
  for (const [name, rule] of Object.entries(rules)) {
    const isLarge = LARGE_RULES.includes(name);
    const isFine = isLarge
      ? typeof rule === 'string' && AMOUNT.test(rule)
      : Number.isSafeInteger(rule) && (rule as number) >= 0;
    if (!isFine)
      throw invalid(`staking.${name}`, isLarge ? 'must be a decimal string' : 'must be a whole number');
  }
  return rules as NonNullable<ChainSpec['staking']>;
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

/** An object with exactly these fields, and perhaps some of the optional ones. */
function fieldsOf(
  value: unknown,
  name: string,
  wanted: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(name, 'must be an object');
  const missing = wanted.find((field) => !Object.hasOwn(value, field));
  if (missing !== undefined) throw invalid(missing, `is missing in ${name}`);
  const extra = Object.keys(value).find((field) => !wanted.includes(field) && !optional.includes(field));
  if (extra !== undefined) throw invalid(extra, `is not a field of ${name}`);
  return value as Record<string, unknown>;
}

function invalid(field: string, problem: string, cause?: unknown): NodeError {
  const info = { code: 'CHAIN_SPEC_INVALID', field } as const;
  return new NodeError(info, `chain specification: ${field} ${problem}`, { cause });
}

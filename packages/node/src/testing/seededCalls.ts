/**
 * @file Calls of every pallet with arguments drawn from a seed, as the runtime's own metadata encodes them: most
 * succeed, some are refused. The same seed always gives the same bytes. For tests only.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import {
  addressOf,
  concatBytes,
  fromHex,
  type KeyPair,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  type Random,
  SS58_PREFIX,
  toHex,
} from '@alice/protocol';
import { POT_ACCOUNTS, type Runtime, sessionKeyProof } from '@alice/runtime';
import { denormalizeLookup, getLookupCodecBuilder } from '@polkadot-api/metadata-builders';
import { AccountId, metadata as metadataCodec, unifyMetadata } from '@polkadot-api/substrate-bindings';

export interface SeededCall {
  readonly signer: KeyPair;
  readonly pallet: string;
  readonly name: string;
  readonly args: object | undefined;
}

/** A key whose signatures are zeros: the chain under test takes any, so that the bytes are the same every time. */
function unsigningKey(name: string): KeyPair {
  return { ...keyPairFromSecret(`//seeded/${name}`), sign: () => new Uint8Array(64) };
}

const PEOPLE = 10;
export const people = (): KeyPair[] => Array.from({ length: PEOPLE }, (_, i) => unsigningKey(String(i)));

/** Encodes calls by the metadata, not by the runtime's own codecs. */
export function callEncoder(runtime: Runtime): (call: Omit<SeededCall, 'signer'>) => Uint8Array {
  const unified = unifyMetadata(metadataCodec.dec(runtime.metadata(15)));
  const { extrinsic } = unified;
  if (!('call' in extrinsic)) throw new Error('cannot happen: metadata version 15 names the call');
  const codec = getLookupCodecBuilder(
    denormalizeLookup(unified.lookup),
    AccountId(SS58_PREFIX),
  )(extrinsic.call);
  return ({ pallet, name, args }) => codec.enc({ type: pallet, value: { type: name, value: args } });
}

/** "Pallet.call" of every call that people can make. */
export function callNames(runtime: Runtime): string[] {
  const { pallets, lookup } = unifyMetadata(metadataCodec.dec(runtime.metadata(15)));
  return pallets.flatMap(({ name, calls }) => {
    const def = calls === undefined ? undefined : lookup[calls.type]!.def;
    return def?.tag === 'variant' ? def.value.map((call) => `${name}.${call.name}`) : [];
  });
}

/** An ed25519 key made of one byte, with the proof that registers it. */
export function consensusKey(seed: number): { key: Uint8Array; proofFor(account: Uint8Array): Uint8Array } {
  const pkcs8 = concatBytes(fromHex('0x302e020100300506032b657004220420'), new Uint8Array(32).fill(seed));
  const secret = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' });
  return {
    key: new Uint8Array(spki.subarray(-32)),
    proofFor: (account) => new Uint8Array(sign(null, sessionKeyProof(account), secret)),
  };
}

const id = (who: KeyPair) => ({ type: 'Id', value: who.address });
const unit = (type: string) => ({ type, value: undefined });
const ROLES = ['Training', 'Scoring', 'Infrastructure'] as const;
const ROOT_HASH = `0x${'5a'.repeat(32)}`;

/** What the next calls of a block may build on. */
export interface Place {
  readonly random: Random;
  readonly people: readonly KeyPair[];
  /** The epoch that the chain expects. */
  readonly epoch: number;
}

type Draw = (place: Place) => readonly SeededCall[];

const pick = <T>({ random }: Place, list: readonly T[]): T => list[random.below(list.length)]!;
const amount = ({ random }: Place, mostAlice: number): bigint =>
  (PLANCK_PER_ALICE * BigInt(random.below(mostAlice * 1_000) + 1)) / 1_000n;
const one = (signer: KeyPair, pallet: string, name: string, args?: object): SeededCall[] => [
  { signer, pallet, name, args },
];
const transfer = (place: Place) => ({ dest: id(pick(place, place.people)), value: amount(place, 5) });
/** The first person holds the key of root, the second reports epochs. */
const asRoot = (place: Place, pallet: string, name: string, args: object): SeededCall[] =>
  one(place.people[0]!, 'Sudo', 'sudo', { call: { type: pallet, value: { type: name, value: args } } });
const byServer = (place: Place, name: string, args: object): SeededCall[] =>
  one(place.people[1]!, 'ProofOfGradient', name, args);

function scores(place: Place): { account: string; role: { type: string }; score: bigint }[] {
  const accounts = place.people.map(({ publicKey }) => toHex(publicKey)).sort();
  return ROLES.flatMap((role) =>
    accounts
      .filter(() => place.random.below(3) > 0)
      .map((hex) => ({
        account: addressOf(fromHex(hex)),
        role: unit(role),
        score: BigInt(place.random.u32()) << BigInt(place.random.below(40)),
      })),
  );
}

const facts = ({ epoch, random }: Place) => ({
  ...{ epoch, from_version: random.below(3), to_version: 3 + random.below(3), state_root: ROOT_HASH },
  ...{ held_out_loss: BigInt(random.u32()), shards_covered: random.below(100), receipts_root: ROOT_HASH },
});

function inPages(place: Place): SeededCall[] {
  const { epoch } = place;
  const entries = scores(place);
  const cut = place.random.below(entries.length + 1);
  const pages = [entries.slice(0, cut), entries.slice(cut)].filter(({ length }) => length > 0);
  return [
    ...byServer(place, 'begin_epoch', { ...facts(place), entries: entries.length }),
    ...pages.flatMap((list, page) => byServer(place, 'submit_scores', { epoch, page, scores: list })),
    ...byServer(place, place.random.below(4) === 0 ? 'abort_epoch' : 'finish_epoch', { epoch }),
  ];
}

function setKeys(place: Place): SeededCall[] {
  const who = pick(place, place.people);
  const { key, proofFor } = consensusKey(1 + place.random.below(200));
  const keys = { validator: toHex(key), parameter_server: undefined };
  return one(who, 'Session', 'set_keys', { keys, proof: proofFor(who.publicKey) });
}

const rules = (place: Place) => ({
  ...{ minimum_validator_stake: amount(place, 50) + PLANCK_PER_ALICE, unbonding_ms: 40_000n },
  ...{ minimum_parameter_server_stake: 2n * PLANCK_PER_ALICE, slash_defer_ms: 20_000n },
  ...{ session_blocks: 3 + place.random.below(4), max_validators: 6, minimum_validators: 2 },
  ...{ reporter_share: place.random.below(5_000), downtime_limit: 5_000, downtime_slash: 1_000_000 },
});

const batch =
  (name: string): Draw =>
  (place) => {
    const calls = Array.from({ length: 3 }, () => ({
      type: 'Balances',
      value: { type: 'transfer_keep_alive', value: transfer(place) },
    }));
    return one(pick(place, place.people), 'Utility', name, { calls });
  };
const stakes =
  (name: string, args: (place: Place) => object | undefined): Draw =>
  (place) =>
    one(pick(place, place.people), 'Staking', name, args(place));
const delegation = (place: Place) => ({
  delegate: id(pick(place, place.people)),
  proxy_type: unit(pick(place, ['Any', 'NonTransfer', 'Staking', 'RewardAddress'])),
  delay: 0,
});

/** Every kind of call, each as likely as the others. */
export const DRAWS: readonly Draw[] = [
  (place) => one(pick(place, place.people), 'Balances', 'transfer_allow_death', transfer(place)),
  (place) => one(pick(place, place.people), 'Balances', 'transfer_keep_alive', transfer(place)),
  (place) => {
    const args = { dest: id(pick(place, place.people)), keep_alive: true };
    return one(place.people.at(-1)!, 'Balances', 'transfer_all', args);
  },
  (place) => one(pick(place, place.people), 'System', 'remark', { remark: toHex(new Uint8Array(9).fill(3)) }),
  stakes('bond', (place) => ({
    value: amount(place, 60),
    role: unit(pick(place, ['Validator', 'ParameterServer'])),
  })),
  stakes('bond_extra', (place) => ({ value: amount(place, 5) })),
  stakes('unbond', (place) => ({ value: amount(place, 20) })),
  stakes('withdraw_unbonded', () => undefined),
  stakes('validate', () => undefined),
  stakes('chill', () => undefined),
  setKeys,
  (place) => one(pick(place, place.people), 'Session', 'purge_keys'),
  (place) => byServer(place, 'submit_epoch', { ...facts(place), scores: scores(place) }),
  inPages,
  (place) => {
    const target = pick(place, place.people).address;
    return one(pick(place, place.people), 'ProofOfGradient', 'set_reward_address', { target });
  },
  (place) => one(pick(place, place.people), 'ProofOfGradient', 'clear_reward_address'),
  (place) => {
    const training = 8_000 + place.random.below(1_000);
    const shares = { training, scoring: 500, infrastructure: 9_500 - training };
    return asRoot(place, 'ProofOfGradient', 'set_role_shares', { shares });
  },
  (place) => {
    const account = addressOf(POT_ACCOUNTS[pick(place, ROLES)]);
    const rule = place.random.below(3) === 0 ? undefined : { account, share: place.random.below(2_000) };
    return asRoot(place, 'ProofOfGradient', 'set_role_account', { role: unit(pick(place, ROLES)), rule });
  },
  (place) => asRoot(place, 'ProofOfGradient', 'set_parameter_server', { account: place.people[1]!.address }),
  (place) => asRoot(place, 'Staking', 'set_rules', { rules: rules(place) }),
  (place) => {
    const stash = pick(place, place.people).address;
    return asRoot(place, 'Staking', 'slash', {
      stash,
      share: place.random.below(10 ** 8),
      reporter: undefined,
    });
  },
  (place) => asRoot(place, 'Staking', 'cancel_deferred_slash', { ids: [place.random.below(4)] }),
  (place) => {
    const pot = unit(pick(place, ['Treasury', ...ROLES]));
    return asRoot(place, 'Treasury', 'spend', {
      pot,
      beneficiary: id(place.people[2]!),
      amount: amount(place, 1),
    });
  },
  (place) => one(place.people[0]!, 'Sudo', 'set_key', { new: id(place.people[0]!) }),
  batch('batch'),
  batch('batch_all'),
  batch('force_batch'),
  (place) => one(pick(place, place.people), 'Proxy', 'add_proxy', delegation(place)),
  (place) => one(pick(place, place.people), 'Proxy', 'remove_proxy', delegation(place)),
  (place) => one(pick(place, place.people), 'Proxy', 'remove_proxies'),
  (place) => {
    const call = { type: 'Balances', value: { type: 'transfer_keep_alive', value: transfer(place) } };
    const args = { real: id(pick(place, place.people)), force_proxy_type: undefined, call };
    return one(pick(place, place.people), 'Proxy', 'proxy', args);
  },
];

/** Ends root's rights; for the end of a chain. */
export const removeRoot = (place: Place): SeededCall[] => one(place.people[0]!, 'Sudo', 'remove_key');

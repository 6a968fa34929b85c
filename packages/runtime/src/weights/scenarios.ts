/**
 * @file One typical run of every call, to be timed: what happens before it, who calls, and with what. Sized calls take
 * the number of their items. States are built through the calls themselves, so they are states a chain can have.
 */
import { sha256, utf8 } from '@alice/protocol';
import { ed25519KeypairFromSeed, ed25519Sign } from '@polkadot/wasm-crypto';
import type { GenesisSpec } from '../interface.js';
import type { Origin, RuntimeCall } from '../pallets/Pallet.js';
import type { ScoreEntry } from '../pallets/proofOfGradient/types.js';
import { consensusAddress } from '../pallets/session/consensusAddress.js';
import { sessionKeyProof } from '../pallets/session/keys.js';
import { INITIAL_RULES } from '../pallets/staking/rules.js';
import { TREASURY } from '../pallets/treasury/pots.js';
import { ZERO_HASH } from '../scale/substrateTypes.js';
import type { Weighted } from './timeOf.js';

export interface Step {
  readonly origin: Origin;
  readonly call: RuntimeCall;
}

export interface Scenario {
  readonly before?: readonly Step[];
  readonly timed: Step;
}

const ALICE = 10n ** 12n;
const VALIDATORS = 4;
/** Accounts that exist beside the callers, so that lookups are not those of an empty state. */
const BYSTANDERS = 1_000;

const accountOf = (name: string): Uint8Array => sha256(utf8.encode(name));
const [who, other, server, root] = ['who', 'other', 'server', 'root'].map(accountOf) as Uint8Array[];
const id = (value: Uint8Array) => ({ type: 'Id', value }) as const;
const by = (signer: Uint8Array, type: string, name: string, args: object = {}): Step => ({
  origin: { kind: 'signed', signer },
  call: { type, value: { type: name, value: args } },
});
const asRoot = (type: string, name: string, args: object): Step => ({
  origin: { kind: 'root' },
  call: { type, value: { type: name, value: args } },
});
const ofBlock = (type: string, name: string, args: object): Step => ({
  origin: { kind: 'none' },
  call: { type, value: { type: name, value: args } },
});
const validatorPair = (i: number): Uint8Array => ed25519KeypairFromSeed(accountOf(`validator ${i}`));
const validatorKey = (i: number): Uint8Array => validatorPair(i).slice(32);

/** The state every scenario begins with. */
export function scenarioGenesis(): GenesisSpec {
  const bystanders = Array.from({ length: BYSTANDERS }, (_, i) => accountOf(`bystander ${i}`));
  const validators = Array.from({ length: VALIDATORS }, (_, i) => accountOf(`account ${i}`));
  const people = [...bystanders, ...validators, who!, other!, server!, root!];
  return {
    chainName: 'weights',
    timestampMs: 1_772_150_400_000n,
    balances: people.map((account) => ({ account, planck: 10_000n * ALICE })),
    parameterServer: server!,
    feeCollector: accountOf('collector'),
    sudo: root!,
    validators: validators.map((account, i) => ({
      account,
      consensusKey: validatorKey(i),
      stakePlanck: 2_000n * ALICE,
    })),
  };
}

const remark = by(who!, 'System', 'remark', { remark: new Uint8Array(32) }).call;
const bond = by(who!, 'Staking', 'bond', { value: 2_000n * ALICE, role: 'Validator' });
const unbond = by(who!, 'Staking', 'unbond', { value: 500n * ALICE });
function setKeys(): Step {
  const pair = validatorPair(99);
  const proof = ed25519Sign(pair.slice(32), pair.slice(0, 32), sessionKeyProof(who!));
  return by(who!, 'Session', 'set_keys', {
    keys: { validator: pair.slice(32), parameter_server: undefined },
    proof,
  });
}
const validate = by(who!, 'Staking', 'validate');
const slash = asRoot('Staking', 'slash', { stash: accountOf('account 0'), share: 1, reporter: undefined });
const facts = {
  epoch: 0,
  from_version: 0,
  to_version: 1,
  state_root: ZERO_HASH,
  held_out_loss: 1n,
  shards_covered: 1,
  receipts_root: ZERO_HASH,
};
const scores = (count: number): ScoreEntry[] =>
  Array.from({ length: count }, (_, i) => {
    const account = new Uint8Array(32).fill(0x22);
    new DataView(account.buffer).setUint32(0, i);
    return { account, role: 'Training', score: BigInt(i) + 1n };
  });
const gradient = (name: string, args: object): Step => by(server!, 'ProofOfGradient', name, args);
const begin = (entries: number): Step => gradient('begin_epoch', { ...facts, entries });
const page = (count: number): Step => gradient('submit_scores', { epoch: 0, page: 0, scores: scores(count) });
const proxyArgs = { delegate: id(other!), proxy_type: 'Any', delay: 0 };
const addProxy = by(who!, 'Proxy', 'add_proxy', proxyArgs);
const batch = (name: string) => (count: number) => ({
  timed: by(who!, 'Utility', name, { calls: new Array<RuntimeCall>(count).fill(remark) }),
});
const only = (timed: Step) => () => ({ timed });

/** By name; the argument is the number of items of a sized call. */
export const SCENARIOS: Readonly<
  Record<Exclude<Weighted, 'ProofOfGradient.forget' | 'ProofOfGradient.pay'>, (items: number) => Scenario>
> = {
  'System.remark': only({ origin: { kind: 'signed', signer: who! }, call: remark }),
  'Timestamp.set': only(ofBlock('Timestamp', 'set', { now: 1_772_150_500_000n })),
  'Balances.transfer_allow_death': only(
    by(who!, 'Balances', 'transfer_allow_death', { dest: id(accountOf('new')), value: ALICE }),
  ),
  'Balances.transfer_keep_alive': only(
    by(who!, 'Balances', 'transfer_keep_alive', { dest: id(accountOf('new')), value: ALICE }),
  ),
  'Balances.transfer_all': only(
    by(who!, 'Balances', 'transfer_all', { dest: id(accountOf('new')), keep_alive: false }),
  ),
  'Staking.bond': only(bond),
  'Staking.bond_extra': () => ({
    before: [bond],
    timed: by(who!, 'Staking', 'bond_extra', { value: ALICE }),
  }),
  'Staking.unbond': () => ({ before: [bond], timed: unbond }),
  'Staking.withdraw_unbonded': () => ({
    before: [
      asRoot('Staking', 'set_rules', { rules: { ...INITIAL_RULES, unbonding_ms: 0n, slash_defer_ms: 0n } }),
      bond,
      unbond,
    ],
    timed: by(who!, 'Staking', 'withdraw_unbonded'),
  }),
  'Staking.validate': () => ({ before: [bond, setKeys()], timed: validate }),
  'Staking.chill': () => ({ before: [bond, setKeys(), validate], timed: by(who!, 'Staking', 'chill') }),
  'Staking.cancel_deferred_slash': (count) => ({
    before: new Array<Step>(count).fill(slash),
    timed: asRoot('Staking', 'cancel_deferred_slash', { ids: Array.from({ length: count }, (_, i) => i) }),
  }),
  'Staking.slash': only(slash),
  'Staking.set_rules': only(asRoot('Staking', 'set_rules', { rules: INITIAL_RULES })),
  'Staking.report_evidence': (count) => ({
    timed: ofBlock('Staking', 'report_evidence', {
      evidence: Array.from({ length: count }, (_, i) => ({
        kind: 'DuplicateVote',
        offender: consensusAddress(validatorKey(i % VALIDATORS)),
        height: BigInt(i),
      })),
      proposer: consensusAddress(validatorKey(0)),
    }),
  }),
  'Session.set_keys': () => ({ before: [bond], timed: setKeys() }),
  'Session.purge_keys': () => ({ before: [bond, setKeys()], timed: by(who!, 'Session', 'purge_keys') }),
  'Session.note_absent': (count) => ({
    timed: ofBlock('Session', 'note_absent', {
      absent: Array.from({ length: count }, (_, i) => consensusAddress(validatorKey(i % VALIDATORS))),
    }),
  }),
  'ProofOfGradient.submit_epoch': (count) => ({
    timed: gradient('submit_epoch', { ...facts, scores: scores(count) }),
  }),
  'ProofOfGradient.begin_epoch': () => ({ timed: begin(10) }),
  'ProofOfGradient.submit_scores': (count) => ({ before: [begin(count)], timed: page(count) }),
  'ProofOfGradient.finish_epoch': () => ({
    before: [begin(10), page(10)],
    timed: gradient('finish_epoch', { epoch: 0 }),
  }),
  'ProofOfGradient.abort_epoch': () => ({
    before: [begin(1_000), page(1_000)],
    timed: gradient('abort_epoch', { epoch: 0 }),
  }),
  'ProofOfGradient.set_reward_address': only(
    by(who!, 'ProofOfGradient', 'set_reward_address', { target: other! }),
  ),
  'ProofOfGradient.clear_reward_address': () => ({
    before: [by(who!, 'ProofOfGradient', 'set_reward_address', { target: other! })],
    timed: by(who!, 'ProofOfGradient', 'clear_reward_address'),
  }),
  'ProofOfGradient.set_role_shares': only(
    asRoot('ProofOfGradient', 'set_role_shares', {
      shares: { training: 8_000, scoring: 1_000, infrastructure: 1_000 },
    }),
  ),
  'ProofOfGradient.set_role_account': only(
    asRoot('ProofOfGradient', 'set_role_account', {
      role: 'Scoring',
      rule: { account: other!, share: 1_000 },
    }),
  ),
  'ProofOfGradient.set_parameter_server': only(
    asRoot('ProofOfGradient', 'set_parameter_server', { account: other! }),
  ),
  'Treasury.spend': () => ({
    before: [by(who!, 'Balances', 'transfer_keep_alive', { dest: id(TREASURY), value: 5n * ALICE })],
    timed: asRoot('Treasury', 'spend', { pot: 'Treasury', beneficiary: id(accountOf('new')), amount: ALICE }),
  }),
  'Utility.batch': batch('batch'),
  'Utility.batch_all': batch('batch_all'),
  'Utility.force_batch': batch('force_batch'),
  'Sudo.sudo': only(by(root!, 'Sudo', 'sudo', { call: remark })),
  'Sudo.set_key': only(by(root!, 'Sudo', 'set_key', { new: id(other!) })),
  'Sudo.remove_key': only(by(root!, 'Sudo', 'remove_key')),
  'Proxy.proxy': () => ({
    before: [addProxy],
    timed: by(other!, 'Proxy', 'proxy', { real: id(who!), force_proxy_type: undefined, call: remark }),
  }),
  'Proxy.add_proxy': only(addProxy),
  'Proxy.remove_proxy': () => ({ before: [addProxy], timed: by(who!, 'Proxy', 'remove_proxy', proxyArgs) }),
  'Proxy.remove_proxies': () => ({ before: [addProxy], timed: by(who!, 'Proxy', 'remove_proxies') }),
};

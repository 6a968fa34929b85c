/** @file For this package's tests only: accounts with ed25519 validator keys, and what they sign and send. */
import { type KeyPair, keyPairFromSecret, sha256, utf8 } from '@alice/protocol';
import { ed25519KeypairFromSeed, ed25519Sign } from '@polkadot/wasm-crypto';
import type { ConsensusFacts, GenesisSpec } from '../../interface.js';
import { ALICE_UNIT, callOf, TestChain } from '../../testing.js';
import { consensusAddress } from '../session/consensusAddress.js';
import { sessionKeyProof } from '../session/keys.js';
import { ledgers } from './storage.js';
import type { StakingLedger } from './types.js';

export interface TestValidator extends KeyPair {
  /** ed25519 public key. */
  readonly consensusKey: Uint8Array;
  readonly consensusAddress: Uint8Array;
  /** Signs as the consensus key does. */
  signVote(message: Uint8Array): Uint8Array;
}

/** The validator called `name`, always the same. */
export function testValidator(name: string): TestValidator {
  const pair = ed25519KeypairFromSeed(sha256(utf8.encode(name)));
  const consensusKey = pair.slice(32);
  return {
    ...keyPairFromSecret(`//${name}`),
    consensusKey,
    consensusAddress: consensusAddress(consensusKey),
    signVote: (message) => ed25519Sign(consensusKey, pair.slice(0, 32), message),
  };
}

export const UNBONDING_MS = 100_000n;
export const DEFER_MS = 30_000n;
/** Rules with short times: endless sessions, bonds from 100 ALICE. */
export const TEST_RULES = {
  minimum_validator_stake: 100n * ALICE_UNIT,
  minimum_parameter_server_stake: 200n * ALICE_UNIT,
  unbonding_ms: UNBONDING_MS,
  slash_defer_ms: DEFER_MS,
  session_blocks: 100_000,
  minimum_validators: 2,
};

/** A chain with these validators, each with 10,000 ALICE of which `stake` are bonded. */
export function validatorChain(
  validators: readonly TestValidator[],
  {
    stake = 1_000n * ALICE_UNIT,
    others = [],
    ...spec
  }: Partial<GenesisSpec> & {
    stake?: bigint;
    others?: readonly KeyPair[];
  } = {},
): TestChain {
  const people = [...validators, ...others, keyPairFromSecret('//Alice'), keyPairFromSecret('//Server')];
  return new TestChain({
    balances: people.map(({ publicKey }) => ({ account: publicKey, planck: 10_000n * ALICE_UNIT })),
    validators: validators.map(({ publicKey, consensusKey }) => ({
      account: publicKey,
      consensusKey,
      stakePlanck: stake,
    })),
    staking: TEST_RULES,
    ...spec,
  });
}

export function ledgerOf(
  chain: TestChain,
  { publicKey }: Pick<KeyPair, 'publicKey'>,
): StakingLedger | undefined {
  return ledgers.get(chain.access, publicKey);
}

export const stakingCall = (name: string, args: object = {}) => callOf('Staking', name, args);

export function setKeysCall(who: TestValidator, proof = who.signVote(sessionKeyProof(who.publicKey))) {
  const keys = { validator: who.consensusKey, parameter_server: undefined };
  return callOf('Session', 'set_keys', { keys, proof });
}

export function doubleVote(offender: TestValidator, height = 7n, proposer?: TestValidator): ConsensusFacts {
  const evidence = [{ kind: 'DuplicateVote', offender: offender.consensusAddress, height } as const];
  return { evidence, absent: [], ...(proposer ? { proposer: proposer.consensusAddress } : {}) };
}

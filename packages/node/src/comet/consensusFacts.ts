/**
 * @file What CometBFT tells about validators, in the runtime's words, and what the runtime decides about them, in
 * CometBFT's. Evidence comes here checked: every validator verified it before it voted for the block.
 */
import { toHex } from '@alice/protocol';
import type { ConsensusFacts, Evidence, ValidatorUpdate } from '@alice/runtime';
import type { ValidatorUpdate as CometUpdate, Misbehavior } from 'cosmjs-types/tendermint/abci/types';

/** `MisbehaviorType` and `BlockIDFlag` of CometBFT. */
const MISBEHAVIOR: Readonly<Record<number, Evidence['kind']>> = {
  1: 'DuplicateVote',
  2: 'LightClientAttack',
};
const FLAG_ABSENT = 1;

interface Vote {
  readonly validator?: { readonly address: Uint8Array } | undefined;
  readonly blockIdFlag: number;
}

interface CometFacts {
  readonly proposerAddress: Uint8Array;
  readonly misbehavior: readonly Misbehavior[];
  readonly lastCommit?: { readonly votes: readonly Vote[] } | undefined;
}

/** The facts of one block. Kinds of misbehaviour that this release does not know are left out. */
export function consensusFacts({ proposerAddress, misbehavior, lastCommit }: CometFacts): ConsensusFacts {
  const evidence = misbehavior.flatMap(({ type, validator, height }): Evidence[] => {
    const kind = MISBEHAVIOR[type];
    return kind && validator ? [{ kind, offender: new Uint8Array(validator.address), height }] : [];
  });
  const absent = (lastCommit?.votes ?? []).flatMap(({ validator, blockIdFlag }) =>
    validator && blockIdFlag === FLAG_ABSENT ? [new Uint8Array(validator.address)] : [],
  );
  return {
    ...(proposerAddress.length === 20 ? { proposer: new Uint8Array(proposerAddress) } : {}),
    evidence,
    absent,
  };
}

/** Equal facts, equal text. */
export function factsText(facts: ConsensusFacts | undefined): string {
  if (!facts) return '';
  const { proposer, evidence, absent } = facts;
  const proven = evidence.map(({ kind, offender, height }) => `${kind}:${toHex(offender)}:${height}`);
  return [proposer ? toHex(proposer) : '', ...proven, '/', ...absent.map(toHex)].join(' ');
}

/** A voting power for CometBFT, from two blocks later on. */
export function validatorUpdate({ consensusKey, power }: ValidatorUpdate): CometUpdate {
  return { pubKey: { ed25519: consensusKey }, power };
}

/** @file Block 0's state. Refuses a specification that would break an invariant of the running chain. */
import { compareBytes, equalBytes, MAX_SUPPLY_PLANCK, toHex, utf8 } from '@alice/protocol';
import { RuntimeError } from '../errors.js';
import type { GenesisSpec, StateChanges } from '../interface.js';
import { EXISTENTIAL_DEPOSIT } from '../pallets/balances/ledger.js';
import { holds, totalIssuance } from '../pallets/balances/storage.js';
import { GENESIS_TEXT } from '../pallets/proofOfGradient/genesisText.js';
import {
  currentEpoch,
  feeCollector,
  genesisText,
  genesisTime,
  lastSettledAt,
  parameterServer,
  roleShares,
} from '../pallets/proofOfGradient/storage.js';
import { INITIAL_ROLE_SHARES } from '../pallets/proofOfGradient/types.js';
import { consensusAddress } from '../pallets/session/consensusAddress.js';
import { putActiveSet } from '../pallets/session/rotation.js';
import { powerOf } from '../pallets/session/selection.js';
import { keyOwner, nextKeys } from '../pallets/session/storage.js';
import { BOND, newLedger } from '../pallets/staking/bonding.js';
import { INITIAL_RULES, rulesAreSound } from '../pallets/staking/rules.js';
import { candidates, ledgers, rules } from '../pallets/staking/storage.js';
import { sudoKey } from '../pallets/sudo/storage.js';
import { account, blockNumber, lastUpgrade } from '../pallets/system/storage.js';
import { NO_ACCOUNT } from '../pallets/system/types.js';
import { now } from '../pallets/timestamp/index.js';
import { Overlay } from '../storage/Overlay.js';
import { SPEC_NAME, SPEC_VERSION } from '../version.js';
import { writeCodeMarker } from './codeMarker.js';

/** Throws `GENESIS_INVALID` with the field to correct. */
export function buildGenesis(spec: GenesisSpec): StateChanges {
  check(spec);
  const state = new Overlay({ get: () => undefined });
  let issuance = 0n;
  // The fee collector is open from the start, with or without a balance, so that it can take any amount.
  account.put(state, spec.feeCollector, { ...NO_ACCOUNT, providers: 1 });
  for (const { account: who, planck } of spec.balances) {
    account.put(state, who, { ...NO_ACCOUNT, providers: 1, data: { ...NO_ACCOUNT.data, free: planck } });
    issuance += planck;
  }
  totalIssuance.put(state, issuance);
  blockNumber.put(state, 0);
  now.put(state, spec.timestampMs);
  genesisTime.put(state, spec.timestampMs);
  lastSettledAt.put(state, spec.timestampMs);
  currentEpoch.put(state, 0);
  parameterServer.put(state, spec.parameterServer);
  feeCollector.put(state, spec.feeCollector);
  roleShares.put(state, INITIAL_ROLE_SHARES);
  genesisText.put(state, utf8.encode(GENESIS_TEXT)); // CHAIN-3
  if (spec.staking) rules.put(state, { ...INITIAL_RULES, ...spec.staking });
  if (spec.sudo) sudoKey.put(state, spec.sudo);
  putValidators(state, spec);
  lastUpgrade.put(state, { spec_version: SPEC_VERSION, spec_name: SPEC_NAME });
  writeCodeMarker(state);
  return state.changes();
}

/** The first session's validators; those with a stake are bonded and candidates for the next one. */
function putValidators(state: Overlay, { validators = [] }: GenesisSpec): void {
  const { minimum_validator_stake: least } = rules.get(state);
  for (const { account: who, consensusKey, stakePlanck } of validators) {
    nextKeys.put(state, who, { validator: consensusKey, parameter_server: undefined });
    keyOwner.put(state, consensusAddress(consensusKey), who);
    if (stakePlanck === 0n) continue;
    const info = account.get(state, who);
    const { data } = info;
    const held = { ...data, free: data.free - stakePlanck, reserved: stakePlanck };
    account.put(state, who, { ...info, data: held });
    holds.put(state, who, [{ id: BOND, amount: stakePlanck }]);
    ledgers.put(state, who, newLedger(who, { value: stakePlanck, role: 'Validator' }));
    if (stakePlanck >= least) candidates.put(state, [...candidates.get(state), who].sort(compareBytes));
  }
  if (validators.length === 0) return;
  putActiveSet(
    state,
    validators.map(({ account: who, consensusKey, stakePlanck }) => ({
      account: who,
      key: consensusKey,
      power: powerOf(stakePlanck),
    })),
  );
}

function checkValidators({ validators = [], balances, staking }: GenesisSpec): void {
  if (!rulesAreSound({ ...INITIAL_RULES, ...staking })) refuse('staking', 'a rule is outside its limits');
  const seats = { ...INITIAL_RULES, ...staking }.max_validators;
  if (validators.length > seats) refuse('validators', `there may be at most ${seats}`);
  for (const { account: who, consensusKey, stakePlanck } of validators) {
    checkAccount('validators', who);
    checkAccount('validators', consensusKey);
    const balance = balances.find((entry) => equalBytes(entry.account, who))?.planck ?? 0n;
    if (stakePlanck < 0n || (stakePlanck > 0n && balance - stakePlanck < EXISTENTIAL_DEPOSIT))
      refuse('validators', 'a stake must leave the existential deposit of the genesis balance');
  }
  for (const of of ['account', 'consensusKey'] as const)
    if (new Set(validators.map((entry) => toHex(entry[of]))).size !== validators.length)
      refuse('validators', `the same ${of} is listed twice`);
}

function check(spec: GenesisSpec): void {
  if (spec.timestampMs < 0n || spec.timestampMs >= 1n << 63n)
    refuse('timestampMs', 'must be milliseconds since 1970');
  checkAccount('parameterServer', spec.parameterServer);
  checkAccount('feeCollector', spec.feeCollector);
  if (spec.sudo) checkAccount('sudo', spec.sudo);
  checkValidators(spec);
  for (const { account: who, planck } of spec.balances) {
    checkAccount('balances', who);
    if (planck < EXISTENTIAL_DEPOSIT)
      refuse('balances', `every balance must be at least ${EXISTENTIAL_DEPOSIT} planck`);
  }
  const accounts = spec.balances.map(({ account: who }) => who).sort(compareBytes);
  const twice = accounts.some((who, i) => i > 0 && equalBytes(who, accounts[i - 1]!));
  if (twice) refuse('balances', 'an account is listed twice');
  const sum = spec.balances.reduce((total, { planck }) => total + planck, 0n);
  if (sum > MAX_SUPPLY_PLANCK)
    refuse('balances', `together they are above the cap of ${MAX_SUPPLY_PLANCK} planck`);
}

function checkAccount(field: string, who: Uint8Array): void {
  if (who.length !== 32 || who.every((byte) => byte === 0))
    refuse(field, 'an account is 32 bytes, not all zero');
}

function refuse(field: string, what: string): never {
  throw new RuntimeError(
    { code: 'GENESIS_INVALID', field },
    `the genesis specification's "${field}": ${what}`,
  );
}

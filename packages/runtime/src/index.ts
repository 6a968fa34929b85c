/** @file The chain's state machine: what blocks and calls do to the state. Engines, storage and networking are elsewhere. */
export { RuntimeError, type RuntimeErrorInfo } from './errors.js';
export { createRuntime, type RuntimeOptions } from './executive/createRuntime.js';
export { isInherent } from './executive/extrinsic.js';
export type {
  BlockInput,
  BlockOutput,
  ConsensusFacts,
  Evidence,
  ExtrinsicResult,
  GenesisSpec,
  GenesisValidator,
  InvalidReason,
  Runtime,
  StateChanges,
  StateView,
  ValidatorUpdate,
  Validity,
} from './interface.js';
export { EXISTENTIAL_DEPOSIT } from './pallets/balances/ledger.js';
export { emittedBy, FIRST_PERIOD_BUDGET, HALVING_PERIOD_MS } from './pallets/proofOfGradient/emission.js';
export { GENESIS_TEXT } from './pallets/proofOfGradient/genesisText.js';
export {
  MAX_EPOCH_ENTRIES,
  MAX_PAGE_ENTRIES,
  MAX_PAGES,
  MAX_SCORES,
} from './pallets/proofOfGradient/limits.js';
export { activeValidators } from './pallets/session/activeValidators.js';
export { consensusAddress } from './pallets/session/consensusAddress.js';
export { sessionKeyProof } from './pallets/session/keys.js';
export { INITIAL_RULES, type StakingRules } from './pallets/staking/rules.js';
export { feeOf } from './pallets/transactionPayment/fees.js';
export { POT_ACCOUNTS, TREASURY } from './pallets/treasury/pots.js';
export { SPEC_NAME, SPEC_VERSION, TRANSACTION_VERSION } from './version.js';

/** @file The chain's state machine: what blocks and calls do to the state. Engines, storage and networking are elsewhere. */
export { RuntimeError, type RuntimeErrorInfo } from './errors.js';
export { createRuntime, type RuntimeOptions } from './executive/createRuntime.js';
export type {
  BlockInput,
  BlockOutput,
  ExtrinsicResult,
  GenesisSpec,
  InvalidReason,
  Runtime,
  StateChanges,
  StateView,
  Validity,
} from './interface.js';
export { EXISTENTIAL_DEPOSIT } from './pallets/balances/ledger.js';
export { MAX_SCORES } from './pallets/proofOfGradient/calls.js';
export { emittedBy, FIRST_PERIOD_BUDGET, HALVING_PERIOD_MS } from './pallets/proofOfGradient/emission.js';
export { GENESIS_TEXT } from './pallets/proofOfGradient/genesisText.js';
export { feeOf } from './pallets/transactionPayment/fees.js';
export { SPEC_NAME, SPEC_VERSION, TRANSACTION_VERSION } from './version.js';

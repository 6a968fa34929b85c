/** @file The parameter server: hands out tasks, checks and merges submissions, publishes versions, settles epochs. */
export { httpStatusOf, ServerError, type ServerErrorInfo } from './errors.js';
export { type ByteRange, byteRange } from './http/byteRange.js';
export { type BackupSummary, backUp, restore, type StateLocation } from './operations/backup.js';
export { type StoredPublication, withPublished } from './operations/readPublished.js';
export {
  defaultServerLimits,
  type RoundOptions,
  SERVER_ROLES,
  type ServerLimits,
  type ServerOptions,
  type ServerRole,
} from './options.js';
export type { ChainPort, ChainStatus } from './ports.js';
export type { ServerPorts } from './ServerCore.js';
export { runScorer, type ScorerOptions, type ScorerPorts } from './scorer/runScorer.js';
export { ScorerError, type ScorerErrorInfo } from './scorer/scorerErrors.js';
export type { ScorerEvent } from './scorer/scorerEvents.js';
export { type RunningServer, startServer } from './startServer.js';
export { VerifyError, type VerifyErrorInfo } from './verify/VerifyError.js';
export { type SettledEpoch, type VerifiedEpoch, verifyEpoch } from './verify/verifyEpoch.js';
export { verifyInclusion } from './verify/verifyInclusion.js';
export { type FoldedWork, type VerifiedPay, verifyPay } from './verify/verifyPay.js';
export { type RoundPorts, verifyRound } from './verify/verifyRound.js';
export {
  DEFAULT_TOLERANCE_NATS,
  openReceipt,
  type ScorePorts,
  type VerifiedScoreReport,
  verifyScore,
} from './verify/verifyScore.js';

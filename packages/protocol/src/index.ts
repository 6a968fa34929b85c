/** @file What all parties must agree on: units, keys, hashes, seeded randomness, wire formats, messages. */

export { ServerClient } from './api/client.js';
export {
  type BackoffOptions,
  backoffMs,
  defaultBackoff,
  parseRetryAfter,
  sleep,
} from './api/clientBackoff.js';
export {
  isServerCallError,
  refusalOf,
  ServerCallError,
  type ServerCallErrorInfo,
  type ServerIdentity,
} from './api/clientErrors.js';
export type {
  AnswerOf,
  BodyOf,
  CallOptions,
  ClientMember,
  Offered,
  RetryNotice,
  ServerClientOptions,
  ServerClientPorts,
} from './api/clientTypes.js';
export { type ClaimedWork, headerForTask, wholeTask } from './api/headerForTask.js';
export { type Bans, type OperatorRequest, operatorMessage } from './api/operator.js';
export {
  type DrawnRows,
  type Receipt,
  type ReceiptList,
  type ReceiptPage,
  type ReceiptProof,
  ReceiptSchema,
  receiptLeaf,
  receiptMessage,
  type SignedReceipt,
  SignedReceiptSchema,
  type VersionFold,
  verifyReceipt,
} from './api/receipts.js';
export {
  type Credits,
  isSignedByMiner,
  isSignedByRegion,
  RECEIPTS_AT_ONCE,
  type RegionClaim,
  type RegionReceipt,
  regionClaimMessage,
} from './api/regions.js';
export { type RegistrationClaim, registrationMessage } from './api/registration.js';
export { contentTypeOf, type Route, type RouteName, routes } from './api/routes.js';
export type {
  Access,
  Challenge,
  ChallengeRequest,
  ClientRole,
  Device,
  ErrorMessage,
  ModelMessage,
  Network,
  RegisterRequest,
  ScoringJob,
  ScoringResult,
  ShardList,
  Submission,
  Task,
  TaskSettings,
  VersionManifest,
} from './api/schemas.js';
export { ErrorSchema, PROTOCOL } from './api/schemas.js';
export { checkServerUrl } from './api/serverUrl.js';
export { type NetworkStatus, StatusSchema } from './api/status.js';
export { digestField, hashOfDigestField, PARTIAL_UPLOAD, type UploadState } from './api/uploads.js';
export { verifyVersion, versionMessage } from './api/versionSignature.js';
export {
  bytesOf,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  type HexString,
  toHex,
  utf8,
} from './bytes.js';
export {
  ChainClient,
  type ChainClientOptions,
  type ChainClientPorts,
  type ChainHead,
  type Inclusion,
  type ReadOptions,
  type SubmitOptions,
} from './chain/ChainClient.js';
export { encodeCall, MAX_EPOCH_SCORES } from './chain/encodeCall.js';
export type { EpochArchive } from './chain/epochArchive.js';
export {
  type EpochReport,
  type EpochScore,
  MAX_EPOCH_ENTRIES,
  type OrderedScore,
  orderedScores,
} from './chain/epochReport.js';
export { ChainError, type ChainErrorInfo } from './chain/errors.js';
export type { OpenEpoch } from './chain/openEpoch.js';
export { reportEpoch } from './chain/reportEpoch.js';
export { type SigningContext, signExtrinsicV4, signingPayload } from './chain/signExtrinsic.js';
export { blake2_128Concat, storageKeys, storagePrefix, twox64Concat, twox128 } from './chain/storageKeys.js';
export {
  type ChainAccount,
  type Contribution,
  decodeAccount,
  decodeContribution,
  decodeCurrentEpoch,
  decodeEpochInfo,
  decodePayouts,
  decodeTotalIssuance,
  type EpochInfo,
  type Payout,
  ROLES,
  type Role,
} from './chain/storageValues.js';
export { CodedError, type ErrorInfo, errorCodeOf, isCodedError, messageOf } from './errors.js';
export {
  blake2b256,
  canonicalJson,
  type Hasher,
  type HashHex,
  hashJson,
  sha256,
  sha256Hex,
  sha256HexByPlatform,
} from './hash.js';
export {
  type Address,
  accountIdHex,
  addressOf,
  initCrypto,
  KeyError,
  type KeyErrorInfo,
  type KeyPair,
  keyPairFromSecret,
  keyPairFromSeed,
  newMnemonic,
  parseAddress,
  publicKeyOf,
  SS58_PREFIX,
  verifySignature,
} from './keys.js';
export { KeystoreError, type KeystoreErrorInfo } from './keystore/errors.js';
export {
  decryptKeystore,
  encryptKeystore,
  type KeystoreJson,
  type KeystoreMeta,
} from './keystore/keystore.js';
export { type LogFacts, type Logger, silentLogger } from './logger.js';
export {
  leafHash,
  type MerkleProof,
  type MerkleTree,
  merkleRoot,
  merkleRootFrom,
  merkleTree,
} from './merkle.js';
export {
  type CallTable,
  type MessagePortLike,
  Moved,
  PortCalls,
  PortError,
  type PortErrorInfo,
  portOfThread,
} from './portCalls.js';
export { type Random, seededRandom } from './random.js';
export { memoryScratch, type Scratch, scratchPieces } from './scratch.js';
export { entryCount, type SparseDelta, type SparseTensor } from './sparseDelta.js';
export { layoutOf, type TensorLayout, type TensorSpec } from './tensorLayout.js';
export {
  type Balance,
  formatAlice,
  MAX_SUPPLY_PLANCK,
  NANO_NATS_PER_NAT,
  PLANCK_PER_ALICE,
  parseAlice,
  TOKEN_DECIMALS,
  TOKEN_SYMBOL,
  toNanoNats,
} from './units.js';
export { urlHost } from './urlHost.js';
export {
  decodeSubmission,
  decodeSubmissionHeader,
  type ExpectedSubmission,
  encodeSubmission,
  SUBMISSION_HEADER_BYTES,
  type SubmissionFrame,
  type SubmissionHeader,
  type SubmissionLimits,
} from './wire/binaryV2.js';
export {
  decodeSubmissionHeaderV3,
  decodeSubmissionV3,
  encodeSubmissionV3,
  type QuantizedFrame,
} from './wire/binaryV3.js';
export { encodeIndices } from './wire/encodeQuantizedBody.js';
export { WireError, type WireErrorCode, type WireErrorInfo } from './wire/errors.js';
export {
  fromHalf,
  fromHalves,
  type HalfOptions,
  isFiniteHalf,
  MAX_HALF,
  toHalf,
  toHalves,
} from './wire/float16.js';
export { halvesOfBytes, littleEndianBytes } from './wire/halfBytes.js';
export {
  dequantize,
  type QuantizedValues,
  quantize,
  roundDelta,
  VALUE_BITS,
  type ValueBits,
} from './wire/quantize.js';
export {
  applySetDelta,
  decodeSetDelta,
  encodeSetDelta,
  type SetDelta,
  type SetDeltaLimits,
  type SetTensor,
} from './wire/setDelta.js';
export {
  type SetDeltaBytes,
  SetDeltaEncoder,
  type SetDeltaEncoderOptions,
  type SetDeltaHeader,
} from './wire/setDeltaEncoder.js';
export {
  assembleSnapshot,
  cutSnapshot,
  SNAPSHOT_CHUNK_BYTES,
  SnapshotAssembly,
  type SnapshotChunk,
  SnapshotCutter,
  type SnapshotIndex,
  verifyChunk,
} from './wire/snapshot.js';
export { CHUNK_ELEMENTS } from './wire/sparseBody.js';
export { type Sha256, StateRootBuilder, StateRootCache, stateRoot } from './wire/stateRoot.js';
export {
  type AnySubmissionFrame,
  type AnySubmissionLimits,
  type ArrivingBody,
  checkArriving,
  decodeAnySubmission,
  decodeAnySubmissionHeader,
  deltaAsDecoded,
  encodeAnySubmission,
  type WireFormat,
} from './wire/submission.js';
export { withSignals } from './withSignals.js';

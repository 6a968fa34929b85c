/** @file Text sources → tokens → shards → manifests, and their readers; which tokens a task trains on. */
export { type AssignRangesOptions, assignRanges, type TokenRange } from './assignRanges.js';
export { type DatasetStats, datasetStats } from './audit/datasetStats.js';
export { diffManifests, type ManifestDiff } from './audit/diffManifests.js';
export { statsSvg } from './audit/statsSvg.js';
export {
  type SourceCheck,
  type SourceCheckOptions,
  verifyAgainstSource,
} from './audit/verifyAgainstSource.js';
export { type NearSplitReport, verifyNearSplits } from './audit/verifyNearSplits.js';
export { verifySplits } from './audit/verifySplits.js';
export {
  BLOCK_BYTES,
  BLOCK_HASH_BYTES,
  BLOCKS_FILE,
  blockCount,
  blockHashRange,
  blocksRoot,
  bytesToFetch,
} from './blockLayout.js';
export { buildDataset } from './build/buildDataset.js';
export type { BuildDatasetOptions, BuildProgress } from './build/buildOptions.js';
export {
  type BuildConversationsOptions,
  buildConversations,
  type ConversationProgress,
} from './conversation/buildConversations.js';
export {
  CHAT_ROLES,
  CHAT_TEMPLATE,
  CHAT_TEMPLATE_JINJA,
  type ChatMessage,
  type ChatRole,
  type ChatTokenizer,
  type ChatTokens,
  chatAnswerTokens,
  chatPromptTokens,
  chatTokens,
  checkMessages,
} from './conversation/chatTemplate.js';
export {
  CONVERSATIONS_FORMAT,
  type ConversationManifest,
  type ConversationShardInfo,
  type ConversationSplit,
  conversationShardName,
  parseConversationManifest,
} from './conversation/conversationManifest.js';
export type {
  ConversationKind,
  ConversationRecord,
  PreferenceTokens,
} from './conversation/conversationShard.js';
export { type ConversationStats, conversationStats } from './conversation/conversationStats.js';
export { conversationStatsSvg } from './conversation/conversationStatsSvg.js';
export { type ConversationDataset, openConversations } from './conversation/openConversations.js';
export { type PreferenceOptions, preferencePairs } from './conversation/preferencePairs.js';
export { readConversation } from './conversation/readMessages.js';
export { type Preference, readPreference } from './conversation/readPreference.js';
export {
  type ConversationRows,
  type ConversationSampleOptions,
  sampleConversationRows,
} from './conversation/sampleConversationRows.js';
export { verifyConversationSource } from './conversation/verifyConversationSource.js';
export { verifyConversations } from './conversation/verifyConversations.js';
export { cutRows, rowCount } from './cutRows.js';
export type { SourceInfo } from './datasetFields.js';
export { datasetKind, readAnyManifest } from './datasetKind.js';
export { datasetRoot } from './datasetRoot.js';
export { DataError, type DataErrorInfo } from './errors.js';
export {
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type Manifest,
  type ProvenanceRun,
  parseManifest,
  type ShardInfo,
  type Split,
} from './manifest.js';
export type { NearDuplicates } from './near/findNearDuplicates.js';
export { type Dataset, openDataset } from './openDataset.js';
export { readManifest } from './readManifest.js';
export { type SampleOptions, sampleRows } from './sampleRows.js';
export { type FetchedBlocks, hashBlocks, tokensOfBlocks } from './shardBlocks.js';
export { bytesToTokens, shardFileName, tokensToBytes } from './shardBytes.js';
export type { ShardTokenizer } from './shardTokenizer.js';
export { shuffleRows } from './shuffleRows.js';
export { BUILTIN } from './sources/builtinCorpus.js';
export type { TokenizerModule } from './stream/tokenizerModule.js';
export {
  type DatasetProblem,
  type DatasetReport,
  type VerifyOptions,
  verifyDataset,
} from './verifyDataset.js';

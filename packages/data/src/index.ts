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
export { verifySplits } from './audit/verifySplits.js';
export { buildDataset } from './build/buildDataset.js';
export type { BuildDatasetOptions, BuildProgress } from './build/buildOptions.js';
export { cutRows, rowCount } from './cutRows.js';
export { datasetRoot } from './datasetRoot.js';
export { DataError, type DataErrorInfo } from './errors.js';
export {
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type Manifest,
  type ProvenanceRun,
  parseManifest,
  type ShardInfo,
  type SourceInfo,
  type Split,
} from './manifest.js';
export { type Dataset, openDataset } from './openDataset.js';
export { readManifest } from './readManifest.js';
export { type SampleOptions, sampleRows } from './sampleRows.js';
export {
  BLOCK_BYTES,
  BLOCKS_FILE,
  blockHashRange,
  bytesToFetch,
  type FetchedBlocks,
  tokensOfBlocks,
} from './shardBlocks.js';
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

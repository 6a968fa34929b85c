/** @file Text sources → tokens → shards → manifests, and their readers; which tokens a task trains on. */
export { type AssignOptions, assignTokens, type TokenRange } from './assignTokens.js';
export { type BuildDatasetOptions, type BuildProgress, buildDataset } from './build/buildDataset.js';
export { cutRows, rowCount } from './cutRows.js';
export { datasetRoot } from './datasetRoot.js';
export { DataError, type DataErrorInfo } from './errors.js';
export {
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type Manifest,
  parseManifest,
  type ShardInfo,
  type SourceInfo,
  type Split,
} from './manifest.js';
export { type Dataset, openDataset } from './openDataset.js';
export { type SampleOptions, sampleRows } from './sampleRows.js';
export { bytesToTokens, shardFileName, tokensToBytes } from './shardBytes.js';
export type { ShardTokenizer } from './shardTokenizer.js';
export { shuffleRows } from './shuffleRows.js';
export { BUILTIN } from './sources/builtinCorpus.js';
export {
  type DatasetProblem,
  type DatasetReport,
  type VerifyOptions,
  verifyDataset,
} from './verifyDataset.js';

/** @file Of training what needs Node: models in files. */
export { DeltaWriter } from './paged/DeltaWriter.js';
export {
  liesOnDisk,
  SCORING_BYTES,
  TRAINING_BYTES,
  type WeightsPlace,
} from './paged/fitsMemory.js';
export { PagedReplica, type PagedReplicaOptions } from './paged/PagedReplica.js';
export { requireIndex } from './paged/writeSnapshot.js';

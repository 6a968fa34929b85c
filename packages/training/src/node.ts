/** @file Of training what needs Node: models in files. */
export {
  liesOnDisk,
  SCORING_BYTES,
  TRAINING_BYTES,
  type WeightsPlace,
} from './paged/fitsMemory.js';
export { PagedReplica, type PagedReplicaOptions } from './paged/PagedReplica.js';

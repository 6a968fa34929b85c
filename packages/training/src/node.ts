/** @file Of training what needs Node: models in files. */
export { PagedReplica, type PagedReplicaOptions } from './paged/PagedReplica.js';

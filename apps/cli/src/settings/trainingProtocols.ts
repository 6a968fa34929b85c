/** @file How a network may be trained. Names only: reading them must not load what trains. */

/**
 * `alice`: the measured default. `layerwise`: one layer at a time, for models larger than their trainers' memory.
 * `whitepaper`: its literal scheme, to be compared with.
 */
export const TRAINING_PROTOCOLS = ['alice', 'layerwise', 'whitepaper'] as const;
export type TrainingProtocol = (typeof TRAINING_PROTOCOLS)[number];

/** Rules a running network may change to; the whitepaper's comes with its protocol. */
export const AGGREGATION_RULES = ['mean-by-work', 'mean', 'median-of-means'] as const;

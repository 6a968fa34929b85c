/** @file The experiments there are, by id. */
import { attacksExperiment } from './attacks.js';
import { convergenceExperiment } from './convergence.js';
import type { Experiment } from './Experiment.js';
import { heterogeneousExperiment } from './heterogeneous.js';
import { robustExperiment } from './robust.js';
import { sampledValidationExperiment } from './sampledValidation.js';

export const experiments: readonly Experiment[] = [
  attacksExperiment,
  robustExperiment,
  convergenceExperiment,
  heterogeneousExperiment,
  sampledValidationExperiment,
];

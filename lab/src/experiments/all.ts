/** @file The experiments there are, by id. */
import { attacksExperiment } from './attacks.js';
import { convergenceExperiment } from './convergence.js';
import type { Experiment } from './Experiment.js';
import { heterogeneousExperiment } from './heterogeneous.js';
import { modelSizeExperiment } from './modelSize.js';
import { protocolAttacksExperiment } from './protocolAttacks.js';
import { robustExperiment } from './robust.js';
import { sampledValidationExperiment } from './sampledValidation.js';
import { scaleExperiment } from './scale.js';
import { scoringExperiment } from './scoring.js';

export const experiments: readonly Experiment[] = [
  attacksExperiment,
  protocolAttacksExperiment,
  robustExperiment,
  convergenceExperiment,
  modelSizeExperiment,
  heterogeneousExperiment,
  sampledValidationExperiment,
  scoringExperiment,
  scaleExperiment,
];

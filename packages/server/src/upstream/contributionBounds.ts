/**
 * @file How large a region's contribution may be. The mean of several submissions has about as many entries as all of them
 * together, so a contribution carries as many times a submission's as it has members, up to a limit.
 */
import type { TensorLayout } from '@alice/protocol';
import type { TrainingSettings } from '@alice/training';
import { type SubmissionBounds, submissionBounds } from '../submissionBounds.js';

/** Members whose entries a contribution has room for; what does not fit stays with the region for its next one. */
const MEMBERS_WITH_ROOM = 16;

/** Share of elements that a contribution of so many members carries. */
export function contributionDensity(density: number, members: number): number {
  return Math.min(1, density * Math.min(members, MEMBERS_WITH_ROOM));
}

export function contributionBounds(
  layout: TensorLayout,
  training: Pick<TrainingSettings, 'density' | 'selection'>,
): SubmissionBounds {
  const density = contributionDensity(training.density, MEMBERS_WITH_ROOM);
  return submissionBounds(layout, { ...training, density });
}

/** @file What a submission's header says of the task it answers. What was done for it, the sender adds. */
import type { HexString } from '../bytes.js';
import type { HashHex } from '../hash.js';
import type { SubmissionHeader } from '../wire/binaryV2.js';
import type { Task } from './schemas.js';

/** What a header claims of the work itself. */
export type ClaimedWork = Pick<SubmissionHeader, 'innerSteps' | 'tokens' | 'meanTrainingLossNats'>;

/** The header of a submission that answers `task`, which has passed its schema: its texts are hex of the right length. */
export function headerForTask(
  { taskId, nonce, stateRoot, version }: Pick<Task, 'taskId' | 'nonce' | 'stateRoot' | 'version'>,
  work: ClaimedWork,
): SubmissionHeader {
  return {
    taskId: taskId as HexString,
    nonce: nonce as HexString,
    stateRoot: stateRoot as HashHex,
    baseVersion: version,
    ...work,
  };
}

/** All the work a task asks for, with this mean loss. */
export function wholeTask({ settings }: Pick<Task, 'settings'>, meanTrainingLossNats: number): ClaimedWork {
  const { innerSteps, rowsPerStep, sequenceLength } = settings;
  return { innerSteps, tokens: innerSteps * rowsPerStep * sequenceLength, meanTrainingLossNats };
}

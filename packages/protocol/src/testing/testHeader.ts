/** @file A submission's header for tests of the wire formats. */
import type { SubmissionHeader } from '../wire/binaryV2.js';

export const testHeader: SubmissionHeader = {
  taskId: `0x${'a1'.repeat(16)}`,
  nonce: `0x${'b2'.repeat(32)}`,
  stateRoot: `0x${'c3'.repeat(32)}`,
  baseVersion: 7,
  innerSteps: 16,
  tokens: 65_536,
  meanTrainingLossNats: 3.25,
};

/**
 * @file Which rows a job is scored on. Seeds are derived from the folder's secret, so miners cannot know the rows
 * (SCORE-1). Held-out rows are fixed by (version, look), so losses before are computed once; the report rows are the
 * same for every version, so that the curve is comparable; control rows by (round, version); the rows of its own task
 * that a submission is probed on by its id, which is made after it has arrived (SCORE-4).
 */
import { type HashHex, utf8 } from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import type { BatchRow } from '../state/jobs.js';

type Purpose =
  | { kind: 'report' }
  | { kind: 'score'; version: number; look: number }
  | { kind: 'control'; version: number; round: number }
  | { kind: 'work'; version: number; submissionId: string; rows: number };

export function batchFor(
  { secret, options, data }: Pick<ServerContext, 'secret' | 'options' | 'data'>,
  purpose: Purpose,
): BatchRow {
  const { training } = options;
  const { sequenceLength } = training;
  // Small texts have fewer rows than are asked for.
  const heldOut = (rows: number) => Math.min(rows, data.validationRowCount(sequenceLength + 1));
  const batch = (name: string, rows: number): Omit<BatchRow, 'version' | 'source' | 'submission_id'> => {
    const seed = contentHash(utf8.encode(`alice/batch/v1\n${secret}\n${name}\n${rows}x${sequenceLength}`));
    return { batch_id: batchIdOf(seed), seed, row_count: rows };
  };
  switch (purpose.kind) {
    case 'report': {
      const drawn = batch('report', heldOut(training.mergeRows));
      return { ...drawn, version: 0, source: 'validation', submission_id: null };
    }
    case 'score': {
      const { version, look } = purpose;
      const drawn = batch(`score/${version}/${look}`, heldOut(training.scoringRows));
      return { ...drawn, version, source: 'validation', submission_id: null };
    }
    case 'control': {
      const { version, round } = purpose;
      const rows = Math.min(training.work.controlRows, data.trainingRowCount(sequenceLength + 1));
      return { ...batch(`control/${round}/${version}`, rows), version, source: 'train', submission_id: null };
    }
    case 'work': {
      const { version, submissionId, rows } = purpose;
      return { ...batch(`work/${submissionId}`, rows), version, source: 'task', submission_id: submissionId };
    }
  }
}

/** The public name of a batch: its seed stays secret until the rows have been used. */
export function batchIdOf(seed: string): HashHex {
  return contentHash(utf8.encode(`alice/batch-id/v1\n${seed}`));
}

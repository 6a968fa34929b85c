/**
 * @file Which validation rows a job is scored on. The seed is derived from the folder's secret, so miners cannot know
 * the rows (SCORE-1); it is fixed by (version, look), so losses before are computed once; the report rows are the same
 * for every version, so that the curve is comparable.
 */

import { utf8 } from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';
import type { ServerContext } from '../context.js';
import type { BatchRow } from '../state/jobs.js';

type Purpose = { kind: 'report' } | { kind: 'score'; version: number; look: number };

export function batchFor(
  { secret, options, data }: Pick<ServerContext, 'secret' | 'options' | 'data'>,
  purpose: Purpose,
): BatchRow {
  const { mergeRows, scoringRows, sequenceLength } = options.training;
  const asked = purpose.kind === 'report' ? mergeRows : scoringRows;
  const rows = Math.min(asked, data.validationRowCount(sequenceLength + 1)); // small texts have fewer
  const name = purpose.kind === 'report' ? 'report' : `score/${purpose.version}/${purpose.look}`;
  const seed = contentHash(utf8.encode(`alice/batch/v1\n${secret}\n${name}\n${rows}x${sequenceLength}`));
  return {
    batch_id: contentHash(utf8.encode(`alice/batch-id/v1\n${seed}`)),
    seed,
    row_count: rows,
    version: purpose.kind === 'report' ? 0 : purpose.version,
  };
}

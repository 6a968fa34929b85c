/**
 * @file Which submissions of a region travel up whole and are judged like any miner's. Drawn with the upstream's secret
 * after the region has committed to all of them, so an invented one has a chance of being asked for that the region
 * cannot know. Pay falls with the square of the share that fails, so inventing miners costs more than it brings.
 */
import { utf8 } from '@alice/protocol';
import { contentHash } from '../blobs/BlobStore.js';

/** How many of so many: all of a single one, one of two or three, else two. */
export function auditCount(receipts: number): number {
  if (receipts <= 1) return receipts;
  return receipts <= 3 ? 1 : 2;
}

/** Pure in secret, task and ids; the order of the ids does not matter. */
export function drawAudits(secret: string, taskId: string, submissionIds: readonly string[]): string[] {
  const rank = (id: string): string =>
    contentHash(utf8.encode(`alice/audit/v1\n${secret}\n${taskId}\n${id}`));
  return submissionIds
    .map((id) => ({ id, rank: rank(id) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, auditCount(submissionIds.length))
    .map(({ id }) => id);
}

/** What pay is multiplied with when so many of the audited submissions were found good. */
export function auditFactor({ passed, audited }: { passed: number; audited: number }): number {
  return audited === 0 ? 1 : (passed / audited) ** 2;
}

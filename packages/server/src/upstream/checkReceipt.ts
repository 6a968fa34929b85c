/**
 * @file Which receipts of a region are believed enough to be held: signed by the region and by the miner, for this task, and
 * claiming no more than a task contains. What the work is worth is not decided here.
 */
import { isSignedByMiner, isSignedByRegion, parseAddress, type RegionReceipt } from '@alice/protocol';
import type { ServerContext } from '../context.js';
import { ServerError } from '../errors.js';
import type { TaskRow } from '../state/tasks.js';
import { maxSubmissionBytes } from '../submissionBounds.js';

/** Throws `RECEIPT_INVALID`, `RECEIPT_FORGED`, `RECEIPT_MINER_UNKNOWN`. */
export function checkReceipt(
  { networkId, bounds }: Pick<ServerContext, 'networkId' | 'bounds'>,
  { address: regionId, task }: TaskRow,
  receipt: RegionReceipt,
): void {
  const { claim } = receipt;
  const { submissionId } = claim;
  const { innerSteps, rowsPerStep, sequenceLength } = task.settings;
  const rules: readonly [field: string, holds: boolean][] = [
    ['networkId', claim.networkId === networkId],
    ['regionId', claim.regionId === regionId],
    ['round', claim.round === task.round],
    ['baseVersion', claim.baseVersion === task.version],
    ['address', isAddress(claim.address)],
    ['rewardAddress', isAddress(claim.rewardAddress)],
    ['steps', claim.steps >= 1 && claim.steps <= innerSteps],
    ['tokens', claim.tokens <= claim.steps * rowsPerStep * sequenceLength],
    ['verifiedTokens', claim.verifiedTokens <= claim.tokens],
    ['blob', claim.blob.sizeBytes <= maxSubmissionBytes(bounds)],
  ];
  const broken = rules.find(([, holds]) => !holds);
  if (broken)
    throw new ServerError(
      { code: 'RECEIPT_INVALID', submissionId, field: broken[0] },
      `the receipt of ${submissionId} claims what its task does not contain (${broken[0]})`,
    );
  if (!isSignedByRegion(receipt))
    throw new ServerError(
      { code: 'RECEIPT_FORGED', submissionId },
      `${regionId} did not sign the receipt of ${submissionId}`,
    );
  if (!isSignedByMiner(receipt))
    throw new ServerError(
      { code: 'RECEIPT_MINER_UNKNOWN', submissionId, address: claim.address },
      `${claim.address} never registered with the region ${regionId} to be paid at ${claim.rewardAddress}`,
    );
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * @file The JSON report of a run: what `alice up --report` writes. Training figures come from the parameter server,
 * every figure of money directly from the chain.
 */
import { renameSync, writeFileSync } from 'node:fs';
import type { NetworkStatus } from '@alice/protocol';

export interface RunReport {
  readonly preset: string;
  readonly parameters: number;
  readonly uniformLossNats: number;
  readonly versions: readonly {
    version: number;
    heldOutLossNats: number | null;
    tokens: number;
    uplinkBytes: number;
    stateRoot: string;
  }[];
  readonly submissions: { accepted: number; refused: Record<string, number> };
  readonly refusedRequests: Record<string, number>;
  readonly rounds: { applied: number; rolledBack: number };
  readonly epochs: readonly EpochReportRow[];
  readonly genesisIssuancePlanck: string;
  readonly totalIssuancePlanck: string;
  readonly firstAcceptedSeconds: number | null;
  readonly firstEpochSeconds: number | null;
  readonly restarts: number;
  readonly wallSeconds: number;
}

export interface EpochReportRow {
  readonly epoch: number;
  readonly elapsedMs: number;
  readonly mintedPlanck: string;
  readonly payouts: readonly { address: string; role: string; score: string; amountPlanck: string }[];
}

export interface RunTimes {
  readonly wallSeconds: number;
  readonly firstAcceptedSeconds: number | null;
  readonly firstEpochSeconds: number | null;
  readonly restarts: number;
}

export function buildReport(
  status: NetworkStatus,
  money: { epochs: EpochReportRow[]; totalIssuancePlanck: string },
  times: RunTimes,
): RunReport {
  return {
    preset: status.model.name,
    parameters: status.model.parameters,
    uniformLossNats: status.uniformLossNats,
    versions: status.versions.map((v) => ({
      version: v.version,
      heldOutLossNats: v.heldOutLossNats,
      tokens: v.trainedTokens,
      uplinkBytes: v.uplinkBytes,
      stateRoot: v.stateRoot,
    })),
    submissions: { accepted: status.submissions.accepted, refused: status.submissions.refused },
    refusedRequests: status.refusedRequests,
    rounds: status.rounds,
    epochs: money.epochs,
    genesisIssuancePlanck: status.genesisIssuancePlanck,
    totalIssuancePlanck: money.totalIssuancePlanck,
    ...times,
  };
}

export function writeReport(path: string, report: RunReport): void {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** @file Epoch reports: exact sums, canonical order. */
import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import {
  type Address,
  compareBytes,
  initCrypto,
  keyPairFromSecret,
  publicKeyOf,
  ROLES,
} from '@alice/protocol';
import fc from 'fast-check';
import type { SubmissionRow } from '../state/submissions.js';
import type { VersionRow } from '../state/versions.js';
import { epochReport, type UnpaidWork } from './epochReport.js';

let addresses: Address[] = [];
before(async () => {
  await initCrypto();
  addresses = Array.from({ length: 5 }, (_, i) => keyPairFromSecret(`//epoch/${i}`).address);
});

const latest = { version: 9, state_root: `0x${'00'.repeat(32)}`, loss_nats: 4.25 } as VersionRow;
const paid = (account: number, score: bigint, shard = 0): SubmissionRow =>
  ({
    submission_id: `${account}/${score}/${shard}`,
    reward_address: addresses[account],
    score: score.toString(),
    shards: `${shard}`,
  }) as unknown as SubmissionRow;
const work = (submissions: SubmissionRow[], rows: number[] = []): UnpaidWork => ({
  epoch: 3,
  fromVersion: 5,
  latest,
  submissions,
  receiptsRoot: `0x${'11'.repeat(32)}`,
  scorers: rows.map((unpaid_rows, i) => ({ reward_address: addresses[i]!, unpaid_rows })),
  server: addresses[4]!,
});

it('adds up to the scores of its submissions, each account once, in the order the chain wants', () => {
  const rows = fc.array(fc.tuple(fc.nat(3), fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat(7)), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(rows, fc.array(fc.nat(1000), { maxLength: 4 }), (entries, scored) => {
      const submissions = entries.map(([account, score, shard]) => paid(account, score, shard));
      const report = epochReport(work(submissions, scored));
      const total = entries.reduce((sum, [, score]) => sum + score, 0n);
      assert.equal(report === undefined, total === 0n);
      if (!report) return;
      const ofRole = (role: string) => report.scores.filter((entry) => entry.role === role);
      const sum = (role: string) => ofRole(role).reduce((all, { scoreNanoNats }) => all + scoreNanoNats, 0n);
      assert.equal(sum('training'), total);
      assert.equal(sum('scoring'), BigInt(scored.reduce((all, n) => all + n, 0)));
      assert.deepEqual(ofRole('infrastructure'), [
        { address: addresses[4], role: 'infrastructure', scoreNanoNats: 1n },
      ]);
      assert.ok(report.scores.every(({ scoreNanoNats }) => scoreNanoNats > 0n));
      for (const [i, entry] of report.scores.slice(1).entries()) {
        const before = report.scores[i]!;
        const roles = ROLES.indexOf(entry.role) - ROLES.indexOf(before.role);
        assert.ok(
          roles > 0 ||
            (roles === 0 && compareBytes(publicKeyOf(before.address), publicKeyOf(entry.address)) < 0),
        );
      }
    }),
    { numRuns: 40 },
  );
});

it('states versions, loss and coverage', () => {
  const report = epochReport(work([paid(0, 5n, 1), paid(1, 6n, 2), paid(0, 7n, 2)]))!;
  assert.deepEqual(
    [report.epoch, report.fromVersion, report.toVersion, report.heldOutLossNanoNats, report.shardsCovered],
    [3, 5, 9, 4_250_000_000n, 2],
  );
});

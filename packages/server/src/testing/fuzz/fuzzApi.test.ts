/** @file A short hunt through the API with a fixed seed: nothing is found, and most of what a server can say was heard. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fuzzApi } from './fuzzApi.js';

it('answers spoilt requests with codes, in all operations, without a fault', async () => {
  const report = await fuzzApi({ seed: 'test', requests: 500, untilMs: Number.POSITIVE_INFINITY });
  assert.deepEqual(report.findings, []);
  assert.ok(report.operations >= 35, `${report.operations} operations`);
  for (const outcome of ['200', 'NOT_FOUND', 'BAD_REQUEST', 'JOB_UNKNOWN', 'ROLE_FORBIDDEN'])
    assert.ok((report.outcomes[outcome] ?? 0) > 0, `${outcome}: ${JSON.stringify(report.outcomes)}`);
});

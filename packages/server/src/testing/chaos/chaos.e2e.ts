/**
 * @file A short chaos run: every role killed once or twice, and each fault in between. `npm run chaos` is the long one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findPostgres } from '../postgresCluster.js';
import { findS3Server } from '../s3Server.js';
import { runChaos } from './runChaos.js';

const KILLS = 12;
const [postgres, s3] = [findPostgres(), findS3Server()];
const skip = !(postgres && s3) && 'needs PostgreSQL, and ALICE_S3_SERVER with a versitygw program';

it('judges and settles everything exactly once, whatever is killed', { skip }, async (t) => {
  const programs = { postgres: postgres!, s3: s3! };
  const summary = await runChaos({ kills: KILLS, seed: 'ci', programs, say: (line) => t.diagnostic(line) });
  t.diagnostic(JSON.stringify(summary));
  assert.ok(summary.acknowledged > 0);
  assert.equal(
    Object.values(summary.kills).reduce((sum, n) => sum + n, 0),
    KILLS,
  );
});

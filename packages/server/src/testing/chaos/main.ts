/** @file `npm run chaos -- [--kills N] [--seed TEXT]`: the chaos run at full length; prints its outcome as JSON. */
import { parseArgs } from 'node:util';
import { messageOf } from '@alice/protocol';
import { findPostgres } from '../postgresCluster.js';
import { findS3Server } from '../s3Server.js';
import { runChaos } from './runChaos.js';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const kills = Number(values.kills ?? 200);
const [postgres, s3] = [findPostgres(), findS3Server()];

if (!Number.isInteger(kills) || kills < 1) fail('OPTION_INVALID: --kills is a whole number above 0');
else if (!postgres)
  fail('POSTGRES_MISSING: install PostgreSQL, or set ALICE_POSTGRES_BIN to the folder of its programs');
else if (!s3) fail('S3_SERVER_MISSING: set ALICE_S3_SERVER to a versitygw program');
else
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const programs = { postgres, s3 };
    const summary = await runChaos({ kills, seed: values.seed ?? '1', programs, say });
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } catch (error) {
    fail(`CHAOS_FAILED: ${messageOf(error)}`);
  }

function fail(line: string): void {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}

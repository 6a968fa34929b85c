/**
 * @file `npm run fuzz:api -- [--minutes N] [--requests N] [--seed TEXT]`: the API fuzzer at full length. Prints what requests
 * ended in; exit code 1 when one of them did what must never happen.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '@alice/protocol';
import { fuzzApi } from './fuzzApi.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, requests: { type: 'string' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 1);
const requests = Number(values.requests ?? Number.POSITIVE_INFINITY);
const seed = values.seed ?? new Date().toISOString();

try {
  if (!(minutes > 0) || !(requests > 0))
    throw new Error('OPTION_INVALID: --minutes and --requests are above 0');
  const report = await fuzzApi({ seed, requests, untilMs: Date.now() + 60_000 * minutes });
  process.stdout.write(`${JSON.stringify({ seed, ...report }, null, 2)}\n`);
  process.exitCode = report.findings.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`FUZZ_FAILED: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

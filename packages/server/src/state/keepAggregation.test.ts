/** @file A network keeps the rule it began with, one from before rules were stored the plain mean, until another is named. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { silentLogger } from '@alice/protocol';
import { type AggregationRule, defaultTrainingSettings } from '@alice/training';
import { type Database, openDatabase } from '../database/Database.js';
import type { ServerOptions } from '../options.js';
import { copyDatabaseTemplate } from '../testing/databaseTemplate.js';
import { keepAggregation } from './keepAggregation.js';
import { insertVersion, type VersionRow } from './versions.js';

let db: Database;
let dir: string;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'alice-aggregation-'));
  await copyDatabaseTemplate(dir);
  db = await openDatabase(dir);
});
after(async () => {
  await db.close();
  rmSync(dir, { recursive: true, force: true });
});

async function ruleOf(asked: AggregationRule, changeAggregation?: AggregationRule): Promise<string> {
  const training = { ...defaultTrainingSettings, aggregation: asked };
  const options = { training, changeAggregation } as unknown as ServerOptions;
  return (await keepAggregation(db, options, silentLogger)).training.aggregation;
}

it('keeps a rule through changed defaults, and takes another when it is named, for good', async () => {
  await db.query("DELETE FROM meta WHERE key = 'aggregation'");
  assert.equal(await ruleOf('mean-by-work'), 'mean-by-work', 'a new network takes the default');
  assert.equal(await ruleOf('score-weighted'), 'mean-by-work');
  assert.equal(await ruleOf('mean-by-work', 'median-of-means'), 'median-of-means');
  assert.equal(await ruleOf('mean-by-work'), 'median-of-means');
});

it('takes a network that has versions and no stored rule for one of the plain mean', async () => {
  await insertVersion(db, version);
  for (const [asked, kept] of [
    ['mean-by-work', 'mean'],
    ['score-weighted', 'score-weighted'], // the whitepaper's, which never was a default
  ] as const) {
    await db.query("DELETE FROM meta WHERE key = 'aggregation'");
    assert.equal(await ruleOf(asked), kept);
    assert.equal(await ruleOf('mean-by-work'), kept, 'and it is stored');
  }
});

const hash = `0x${'00'.repeat(32)}` as const;
const version: VersionRow = {
  version: 0,
  state_root: hash,
  parent_state_root: hash,
  created_ms: 1,
  loss_nats: null,
  loss_error_nats: null,
  trained_tokens: 0,
  uplink_bytes: 0,
  accepted: 0,
  master: null,
  snapshot: null,
  set_delta: null,
  signature: `0x${'00'.repeat(64)}`,
};

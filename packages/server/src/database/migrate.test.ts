/** @file A database of the first release, with a network's history in it, is brought up to date and goes on. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { it } from 'node:test';
import { TestClient } from '../testing/TestClient.js';
import { createTinyNetwork } from '../testing/tinyNetwork.js';
import { openEmbedded } from './embedded.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations.js';

const TABLES_OF_A_NETWORK = [
  'meta',
  'members',
  'versions',
  'rounds',
  'tasks',
  'submissions',
  'batches',
  'scorer_work',
];

it('carries the rows of the first schema through every migration, and the server works on', async (t) => {
  const network = await createTinyNetwork();
  t.after(() => network.remove());
  const { dir, databaseUrl } = network.options;
  if (databaseUrl !== undefined) return t.skip('the first release had the embedded database only');
  const first = await network.open();
  const miner = await new TestClient(first, network.miner).register();
  await miner.contribute('before the upgrade');
  await (await new TestClient(first, network.scorer, 'scorer').register()).scoreAll();
  const rows = new Map<string, Record<string, unknown>[]>();
  for (const table of TABLES_OF_A_NETWORK)
    rows.set(table, await first.context.db.query(`SELECT * FROM ${table}`));
  await first.close();

  // The same history as the first release would have stored it: its columns alone.
  rmSync(`${dir}/db`, { recursive: true });
  mkdirSync(dir, { recursive: true });
  const old = await openEmbedded(dir);
  await old.migration(async (run) => {
    await run.exec('CREATE TABLE migrations (id INTEGER PRIMARY KEY); INSERT INTO migrations VALUES (0);');
    await run.exec(migrations[0]!);
    for (const [table, entries] of rows) {
      const columns = await run.query<{ name: string }>(
        'SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1',
        [table],
      );
      const names = columns.map(({ name }) => name).join(', ');
      await run.query(
        `INSERT INTO ${table} (${names}) SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
        [JSON.stringify(entries)],
      );
    }
    await run.exec(`SELECT setval('submissions_sequence_seq', (SELECT MAX(sequence) FROM submissions))`);
  });
  await migrate(old, 'the folder', dir);
  const [applied] = await old.query<{ n: number }>('SELECT COUNT(*) AS n FROM migrations');
  assert.equal(applied!.n, migrations.length);
  const totals = await old.query('SELECT status, n FROM submission_totals');
  assert.deepEqual(totals, [{ status: 'accepted', n: 1 }], 'counted from what was there');
  await old.close();

  const core = await network.open();
  t.after(() => core.close());
  const again = await new TestClient(core, network.miner).register();
  const { versions, submissions } = (await again.call('status')).body;
  assert.deepEqual([versions.length, submissions.accepted], [2, 1]);
  await again.contribute('after the upgrade');
  await (await new TestClient(core, network.scorer, 'scorer').register()).scoreAll();
  assert.equal((await again.call('latestVersion')).body.version, 2);
  assert.equal(
    (await again.call('receipts', { params: { address: network.miner.address } })).body.receipts.length,
    2,
    'also of the work from before the upgrade',
  );
});

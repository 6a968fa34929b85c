/** @file The dashboard and the runbook name only figures that a server gives, with the labels that it gives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ServerContext } from '../context.js';
import { createBandwidth } from '../http/bandwidth.js';
import { createMetrics } from './metrics.js';

const docs = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../../docs/${path}`, import.meta.url)), 'utf8');

/** A database without rows: names, kinds and help are there all the same. */
const context = {
  db: { query: async () => [] },
  waiting: { tasks: { size: 0 }, jobs: { size: 0 } },
  health: {},
  downloads: createBandwidth(undefined),
} as unknown as ServerContext;

it('names only figures that /metrics gives', async () => {
  const metrics = createMetrics(context, () => true);
  metrics.observe({ route: '/v1/tasks', method: 'POST', status: 200, seconds: 0.1 });
  const text = await metrics.text();
  const given = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!));
  const series = new Set([...text.matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name!));
  const expressions = [...docs('operations/grafana.json').matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(
    ([, expression]) => expression!,
  );
  assert.ok(expressions.length > 10, `${expressions.length} expressions in the dashboard`);
  const used = [...expressions, docs('operations.md')].flatMap((words) => [
    ...words.matchAll(/\b(?:alice|process|nodejs)_[a-z0-9_]+\b/g),
  ]);
  const missing = new Set(used.map(([name]) => name).filter((name) => !given.has(name) && !series.has(name)));
  assert.deepEqual([...missing], []);
});

it('gives the load of the pool without its own questions', async () => {
  let waiting = 0;
  const db = {
    query: async () => {
      waiting++;
      return [];
    },
    shared: { load: () => ({ connections: 2, waiting }) },
  };
  const metrics = createMetrics({ ...context, db } as unknown as ServerContext, () => true);
  assert.match(await metrics.text(), /^alice_database\{kind="waiting"\} 0$/m);
  assert.ok(waiting > 0);
});

/** @file Malformed bodies, slow senders and a flood against a real server, with honest miners beside them: all assertions hold. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { protocolAttacksExperiment } from './protocolAttacks.js';

it('refuses every attack, pays none, and goes on serving honest miners', { timeout: 600_000 }, async () => {
  const { table, assertions } = await protocolAttacksExperiment.study!(true, () => undefined);
  assert.equal(table.length, 1 + 6, 'heading and attacks');
  for (const { claim, holds, found } of assertions) assert.ok(holds, `${claim}: ${found}`);
});

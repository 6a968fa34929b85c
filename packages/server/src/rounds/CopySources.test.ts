/** @file Reading only what is new names the same submissions as reading all, whatever is committed late, refused or merged. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type HashHex, WireError } from '@alice/protocol';
import fc from 'fast-check';
import { type Database, openDatabase } from '../database/Database.js';
import { copySources } from '../state/submissions.js';
import { copyDatabaseTemplate } from '../testing/databaseTemplate.js';
import { CopySources } from './CopySources.js';

/** Too few samples to tell apart by, so that every submission in the index is named. */
const SKETCH = { entries: 4, level: 0, samples: Uint32Array.of(1, 2, 3, 4) };
const STATES = { queued: 'scoring', refused: 'decided', merged: 'merged' } as const;
type State = keyof typeof STATES;

describe('sources of copies', () => {
  const dir = mkdtempSync(join(tmpdir(), 'alice-copies-'));
  let db: Database;
  before(async () => {
    await copyDatabaseTemplate(dir);
    db = await openDatabase(dir, undefined);
  });
  after(async () => {
    await db.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const insert = (sequence: number, round: number, blob = 'good'): Promise<unknown> =>
    db.query(
      `INSERT INTO submissions (submission_id, sequence, task_id, address, instance, reward_address, round, version,
         shards, blob_hash, size_bytes, content_hash, steps, tokens, received_ms, stage, status, reason)
       VALUES ($1, $2, $1, 'a', 'a', 'a', $3, 0, '', $4, 0, '', 1, 1, 0, 'inspect', 'queued', '')`,
      [`s${sequence}`, sequence, round, blob],
    );
  const become = (sequence: number, state: State): Promise<unknown> =>
    db.query('UPDATE submissions SET stage = $2, status = $3 WHERE sequence = $1', [
      sequence,
      STATES[state],
      state === 'merged' ? 'accepted' : state,
    ]);
  const open = (nowMs = () => 0): CopySources =>
    new CopySources(
      {
        ...{ db, now: nowMs },
        compute: {
          sketch: async (blob) => {
            if (blob !== ('damaged' as HashHex)) return SKETCH;
            throw new WireError({ code: 'WIRE_EMPTY' }, 'damaged');
          },
        },
      },
      'secret',
    );
  const named = async (sources: CopySources, sequence: number, round: number): Promise<number[]> =>
    (await sources.candidates({ blob_hash: 'good' as HashHex, sequence, round })).map((one) => one.sequence);

  it('agrees with a look at all of them', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ come: fc.nat(3), late: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({ which: fc.nat(), state: fc.constantFrom<State>('refused', 'merged') }),
      },
      { weight: 1, arbitrary: fc.constant({ round: true as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        await db.query('DELETE FROM submissions');
        const sources = open();
        let [round, next] = [0, 1];
        const [late, stored]: [number[], number[]] = [[], []];
        for (const one of steps) {
          if ('come' in one) {
            const coming = Array.from({ length: one.come }, () => next++);
            const now = one.late ? coming.slice(1) : [...late.splice(0), ...coming];
            if (one.late) late.push(...coming.slice(0, 1));
            for (const sequence of now) await insert(sequence, round);
            stored.push(...now);
          } else if ('state' in one) {
            if (stored.length > 0) await become(stored[one.which % stored.length]!, one.state);
          } else round++;
          await sources.refresh(round, [round]);
          const expected = (await copySources(db, [round])).map(({ sequence }) => sequence);
          assert.deepEqual(await named(sources, next, round), expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('passes over what is damaged, and over numbers that never come', async () => {
    await db.query('DELETE FROM submissions');
    let nowMs = 0;
    const sources = open(() => nowMs);
    await insert(1, 0);
    await sources.refresh(0, [0]);
    await insert(3, 0, 'damaged');
    await insert(4, 0);
    await sources.refresh(0, [0]);
    assert.deepEqual(await named(sources, 5, 0), [1, 4]);
    nowMs = 121_000;
    await sources.refresh(0, [0]);
    await insert(2, 0);
    await sources.refresh(0, [0]);
    assert.deepEqual(await named(sources, 5, 0), [1, 4], 'given up after two minutes');
    await sources.refresh(1, [0]);
    assert.deepEqual(await named(sources, 5, 0), [1, 2, 4], 'until all are read again');
  });
});

/** @file A start without its database: the operator reads which host did not answer and what to check, never a password. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { messageOf } from '@alice/protocol';
import { openDatabase } from './Database.js';

const AWAY = [
  ['postgres://alice:sesame@127.0.0.1:1/alice', '127.0.0.1:1'],
  ['postgres:///alice?host=/nowhere&user=alice&password=sesame', '/nowhere'],
] as const;

describe('a database that is away at a start', { concurrency: true }, () => {
  for (const [url, place] of AWAY)
    it(`is named as ${place}, with what to check`, { timeout: 60_000 }, () =>
      assert.rejects(openDatabase('unused', url), (error: { info: { code: string } }) => {
        const message = messageOf(error);
        assert.equal(error.info.code, 'DATABASE_UNREACHABLE');
        assert.ok(message.includes(`at ${place}:`), message);
        assert.match(message, /--database or ALICE_DATABASE_URL/);
        assert.doesNotMatch(message, /sesame|send it again/);
        return true;
      }),
    );
});

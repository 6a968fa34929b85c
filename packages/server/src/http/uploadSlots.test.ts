/** @file Upload slots: bounded, and freed whenever an answer ends. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { it } from 'node:test';
import { createUploadSlots } from './uploadSlots.js';

it('refuses beyond the limit and frees a slot with each answer', () => {
  const slots = createUploadSlots(2);
  const replies = [new EventEmitter(), new EventEmitter()].map((raw) => ({
    raw: raw as unknown as ServerResponse,
  }));
  for (const reply of replies) slots.take(reply);
  const next = { raw: new EventEmitter() as unknown as ServerResponse };
  assert.throws(() => slots.take(next), { info: { code: 'BUSY', retryAfterMs: 1_000 } });
  replies[0]!.raw.emit('close');
  replies[0]!.raw.emit('close');
  slots.take(next);
  assert.throws(() => slots.take(next), { info: { code: 'BUSY', retryAfterMs: 1_000 } });
});

/** @file Upload slots: bounded for all, for a device and for an address, and freed whenever an answer ends. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { it } from 'node:test';
import type { Address } from '@alice/protocol';
import { createUploadSlots } from './uploadSlots.js';

const newReply = () => ({ raw: new EventEmitter() as unknown as ServerResponse });
const address = 'somebody' as Address;
const sender = (instance: string, ip = '127.0.0.1') => ({
  member: { address, instance, role: 'miner' as const },
  ip,
});

it('refuses beyond the limit and frees a slot with each answer', () => {
  const slots = createUploadSlots({ submissionsAtOnce: 2, submissionsPerMember: 9, submissionsPerIp: 9 });
  const replies = [newReply(), newReply()];
  for (const reply of replies) slots.take(reply, sender('one'));
  const next = newReply();
  assert.throws(() => slots.take(next, sender('two')), { info: { code: 'BUSY', retryAfterMs: 1_000 } });
  replies[0]!.raw.emit('close');
  replies[0]!.raw.emit('close');
  slots.take(next, sender('two'));
  assert.throws(() => slots.take(next, sender('two')), { info: { code: 'BUSY', retryAfterMs: 1_000 } });
});

it('keeps a device and an address from holding the slots of the others', () => {
  const slots = createUploadSlots({ submissionsAtOnce: 99, submissionsPerMember: 2, submissionsPerIp: 3 });
  const limited = { info: { code: 'RATE_LIMITED', retryAfterMs: 5_000 } };
  const first = newReply();
  slots.take(first, sender('one', '2001:db8::1'));
  slots.take(newReply(), sender('one', '192.0.2.7'));
  assert.throws(() => slots.take(newReply(), sender('one', '192.0.2.8')), limited, 'from wherever it sends');
  slots.take(newReply(), sender('two', '2001:db8::2'));
  slots.take(newReply(), sender('three', '2001:db8::3'));
  assert.throws(() => slots.take(newReply(), sender('four', '2001:db8::4')), limited, 'one /64 is one home');
  slots.take(newReply(), sender('four', '2001:db8:0:1::4'));
  first.raw.emit('close');
  slots.take(newReply(), sender('one', '2001:db8::1'));
  for (let i = 0; i < 9; i++) slots.take(newReply(), sender(`local ${i}`));
});

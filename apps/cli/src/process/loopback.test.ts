/** @file Which addresses a whole network may listen on, and where its processes then find each other. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { urlHost } from '@alice/protocol';
import { loopbackOf } from './loopback.js';

test('wildcards are reached by the loopback of their family, loopbacks by themselves', () => {
  const reached = ['0.0.0.0', '::', '::1', '127.0.0.1', '127.9.9.9', 'localhost'].map(loopbackOf);
  assert.deepEqual(reached, ['127.0.0.1', '::1', '::1', '127.0.0.1', '127.9.9.9', 'localhost']);
  assert.deepEqual(['::1', '127.0.0.1'].map(urlHost), ['[::1]', '127.0.0.1']);
});

test('an address of one network is refused: its processes would talk in the open', () => {
  for (const host of ['192.168.1.5', 'fe80::1', 'alice.example', '127.0.0.1.example'])
    assert.throws(() => loopbackOf(host), { message: /--host takes an address by which this machine/ }, host);
});

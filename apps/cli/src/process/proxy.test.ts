/** @file When proxy variables are worth a word, and when they would keep a network's processes apart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyHint, requireDirectLoopback } from './proxy.js';

const PROXY = { HTTP_PROXY: 'http://proxy.example:3128' };
const ASKED = { ...PROXY, NODE_USE_ENV_PROXY: '1' };

test('who has a proxy that Node does not ask is told so', () => {
  assert.match(proxyHint(PROXY), /HTTP_PROXY is set: Node asks a proxy only with NODE_USE_ENV_PROXY=1/);
  for (const env of [{}, ASKED, { HTTPS_PROXY: '' }]) assert.equal(proxyHint(env), '');
});

test('a proxy that would be asked for this machine is refused, with what to set', () => {
  assert.throws(() => requireDirectLoopback(ASKED), { message: /set NO_PROXY=localhost,127\.0\.0\.1/ });
  const fine = [{}, PROXY, { ...ASKED, NO_PROXY: 'localhost, 127.0.0.1' }, { ...ASKED, no_proxy: '*' }];
  for (const env of fine) requireDirectLoopback(env);
});

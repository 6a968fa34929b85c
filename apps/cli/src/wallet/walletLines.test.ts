/** @file The list of wallets: columns line up, and a chain that is away is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { walletLines } from './walletLines.js';

const wallet = (name: string, planck: string | null, encrypted = true) => ({
  ...{ name, planck, encrypted, address: 'a2xyz', path: '' },
});

test('names and decimal points stand below each other', () => {
  const lines = walletLines([
    wallet('default', '1500000000000'),
    wallet('rig', '12000000000000', false),
    wallet('cold', '250000000001'),
  ]).map(stripVTControlCharacters);
  assert.deepEqual(lines, [
    'default  a2xyz   1.5            ALICE',
    'rig      a2xyz  12              ALICE  (not encrypted)',
    'cold     a2xyz   0.250000000001 ALICE',
  ]);
});

test('a balance that could not be asked for is not shown as none', () => {
  assert.deepEqual(walletLines([wallet('default', null)]).map(stripVTControlCharacters), [
    'default  a2xyz  chain not reachable',
  ]);
  assert.deepEqual(walletLines([]), []);
});

/** @file Doctor's view of the devices: a card without its libraries is worth a word, a missing card is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceReport } from '@alice/engine/node';
import { deviceFinding } from './checkDevices.js';

const cpu: DeviceReport = {
  device: 'cpu',
  state: 'ready',
  name: 'Chip',
  gflops: 99.6,
  reason: '',
  remedy: '',
};
const cuda: DeviceReport = {
  ...{ device: 'cuda', state: 'absent', name: '', reason: 'no library', remedy: 'needs CUDA 12' },
};

test('no card: all is well', () => {
  const finding = deviceFinding([cuda, cpu], false);
  assert.deepEqual(finding, { name: 'devices', state: 'ok', found: 'cpu 100 GFLOP/s (Chip)', remedy: '' });
});

test('a card without its libraries: what to install', () => {
  const { state, found, remedy } = deviceFinding([cuda, cpu], true);
  assert.equal(state, 'warning');
  assert.equal(found, 'cpu 100 GFLOP/s (Chip); cuda: no library');
  assert.equal(remedy, 'cuda needs CUDA 12');
});

test('nothing computes: a failure', () => {
  assert.equal(deviceFinding([{ ...cpu, state: 'broken', reason: 'wrong numbers' }], false).state, 'failure');
});

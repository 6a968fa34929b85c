/** @file How a device reads: its rate and memory, what is not known of it, or what mends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { deviceLine } from './devices.js';

const ready = { state: 'ready', reason: '', remedy: '' } as const;
const GIB = 2 ** 30;

test('rate, memory and name of what works; memory that nobody tells is said to be unknown', () => {
  const lines = [
    deviceLine({
      ...{ ...ready, device: 'cuda', name: 'NVIDIA H200', gflops: 51_234.56 },
      ...{ memoryBytes: 140.4 * GIB, freeMemoryBytes: 139 * GIB },
    }),
    deviceLine({ ...ready, device: 'coreml', name: 'Apple M4', gflops: 900, memoryBytes: 16 * GIB }),
    deviceLine({ ...ready, device: 'webgpu', name: '', gflops: 0.31 }),
    deviceLine({
      device: 'dml',
      state: 'absent',
      name: '',
      reason: 'not here',
      remedy: 'exists on Windows only',
    }),
  ];
  assert.deepEqual(lines.map(stripVTControlCharacters), [
    '✓ cuda      51234.6 GFLOP/s  139.0 of 140.4 GiB free  NVIDIA H200\n',
    '✓ coreml      900.0 GFLOP/s  16.0 GiB  Apple M4\n',
    '✓ webgpu        0.3 GFLOP/s  memory unknown: its driver does not tell\n',
    '– dml     not here\n          exists on Windows only\n',
  ]);
});

/**
 * @file Partitions by the kernel: four validators in network namespaces, whose switch is taken apart and put together
 * (`testing/runPartition.ts`). Skipped where no `cometbft` program is found or namespaces are not allowed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isPossible, UNSHARED } from '../testing/NetworkNamespaces.js';
import { scratchDirectory } from '../testing/scratchChain.js';
import { findCometbft } from './findCometbft.js';

const bin = findCometbft();
const reason = bin
  ? 'network namespaces are not allowed here (unshare --map-root-user --net --mount, ip)'
  : 'no cometbft program: give its path in ALICE_COMETBFT, or put it into PATH';
const options = bin && isPossible() ? {} : { skip: reason };

test('four validators in network namespaces are split and mended without a fork', options, async () => {
  const script = fileURLToPath(new URL('../testing/runPartition.js', import.meta.url));
  const args = [...UNSHARED, process.execPath, '--enable-source-maps', script, bin!, scratchDirectory()];
  const child = spawn('unshare', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});

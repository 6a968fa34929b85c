/** @file A state file is read whole or not at all. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { loadState, saveState } from './stateFile.js';

let dir = '';
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alice-state-'));
});
after(() => rm(dir, { recursive: true, force: true }));

const content = {
  facts: { name: 'äöü', list: [1, 2] },
  parts: new Map([
    ['empty', new Uint8Array()],
    ['odd', Uint8Array.of(1, 2, 3)],
    ['more', new Uint8Array(100).fill(7)],
  ]),
};

describe('state files', () => {
  it('give back what was saved', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.uint8Array()), fc.jsonValue(), async (parts, facts) => {
        const path = join(dir, 'any');
        await saveState(path, { facts, parts: new Map(Object.entries(parts)) });
        const loaded = await loadState(path);
        assert(loaded.found === 'good');
        assert.deepEqual(JSON.stringify(loaded.facts), JSON.stringify(facts));
        assert.deepEqual(
          loaded.parts,
          new Map(Object.entries(parts).map(([k, v]) => [k, new Uint8Array(v)])),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('notice a file cut off at any length and a changed bit anywhere', async () => {
    const path = join(dir, 'torn');
    await saveState(path, content);
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 3) {
      await writeFile(path, whole.subarray(0, length));
      assert.deepEqual(await loadState(path), { found: 'damaged' }, `cut at ${length}`);
    }
    for (let at = 0; at < whole.length; at += 2) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << (at % 8);
      await writeFile(path, bytes);
      assert.deepEqual(await loadState(path), { found: 'damaged' }, `bit in byte ${at}`);
    }
    assert.deepEqual(await loadState(path), { found: 'missing' }, 'a damaged file is set aside');
    assert((await readdir(dir)).includes('torn.damaged'));
  });

  it('keep the old content when writing the new one fails', async () => {
    const path = join(dir, 'old');
    await saveState(path, content);
    const failing = new Map([
      ['part', 'not bytes' as unknown as Uint8Array],
      ['bad', 5 as unknown as Uint8Array],
    ]);
    await assert.rejects(saveState(path, { facts: {}, parts: failing }));
    const loaded = await loadState(path);
    assert(loaded.found === 'good');
    assert.deepEqual(loaded.facts, content.facts);
    assert(!(await readdir(dir)).some((name) => name.endsWith('.tmp')));
  });
});

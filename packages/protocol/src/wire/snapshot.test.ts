/** @file Snapshots: cut, fetch in any order, verify each chunk, resume. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError, type WireErrorInfo } from './errors.js';
import {
  assembleSnapshot,
  cutSnapshot,
  SNAPSHOT_CHUNK_BYTES,
  SnapshotAssembly,
  type SnapshotIndex,
} from './snapshot.js';

function infoOf(run: () => unknown): WireErrorInfo | 'ok' {
  try {
    run();
    return 'ok';
  } catch (error) {
    if (error instanceof WireError) return error.info;
    throw error;
  }
}

const bytes = Uint8Array.from({ length: 10 }, (_, i) => i * 7);
const { index, parts } = cutSnapshot(bytes, 4);

test('chunks cover the bytes and carry their SHA-256', () => {
  assert.deepEqual(
    parts.map((part) => [...part]),
    [
      [0, 7, 14, 21],
      [28, 35, 42, 49],
      [56, 63],
    ],
  );
  assert.deepEqual(index, {
    sizeBytes: 10,
    chunkBytes: 4,
    chunks: parts.map((part) => ({
      hash: `0x${createHash('sha256').update(part).digest('hex')}`,
      sizeBytes: part.length,
    })),
  });
  assert.equal(cutSnapshot(bytes).index.chunkBytes, SNAPSHOT_CHUNK_BYTES);
});

test('any bytes and chunk size, chunks arriving in any order, give the bytes back', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 70 }),
      fc.infiniteStream(fc.nat()),
      (data, chunkBytes, picks) => {
        const cut = cutSnapshot(data, chunkBytes);
        assert.deepEqual(assembleSnapshot(cut.index, cut.parts), data);
        const assembly = new SnapshotAssembly(cut.index, data.length);
        for (let missing = assembly.missing(); missing.length > 0; missing = assembly.missing()) {
          const next = missing[picks.next().value % missing.length]!;
          assembly.add(next, cut.parts[next]!);
        }
        assert.deepEqual(assembly.finish(), data);
      },
    ),
  );
});

test('a bad chunk is refused and stays missing; a good one from elsewhere completes it', () => {
  const assembly = new SnapshotAssembly(index, 10);
  assembly.add(1, parts[1]!);
  const damaged = parts[0]!.map((byte) => byte ^ 1);
  const info = infoOf(() => assembly.add(0, damaged));
  assert.deepEqual(info, {
    code: 'WIRE_CHUNK_HASH',
    chunk: 0,
    expected: index.chunks[0]!.hash,
    actual: `0x${createHash('sha256').update(damaged).digest('hex')}`,
  });
  assert.deepEqual(
    infoOf(() => assembly.add(0, parts[0]!.subarray(1))),
    { code: 'WIRE_TRUNCATED', needBytes: 4, gotBytes: 3 },
  );
  assert.deepEqual(
    infoOf(() => assembly.add(2, parts[0]!)),
    { code: 'WIRE_TRAILING_BYTES', expectedBytes: 2, gotBytes: 4 },
  );
  assert.deepEqual(
    infoOf(() => assembly.add(3, parts[0]!)),
    { code: 'WIRE_INDEX_FORMAT', field: 'chunk 3' },
  );
  assert.deepEqual(assembly.missing(), [0, 2]);
  assert.deepEqual(
    infoOf(() => assembly.finish()),
    { code: 'WIRE_CHUNK_MISSING', missing: 2, chunks: 3 },
  );
  assembly.add(0, parts[0]!);
  assembly.add(2, parts[2]!);
  assert.deepEqual(assembly.finish(), bytes);
});

test('an index that contradicts itself or asks for too much memory is refused before allocating', () => {
  const field = (changed: Partial<SnapshotIndex>): WireErrorInfo | 'ok' =>
    infoOf(() => new SnapshotAssembly({ ...index, ...changed }, 1000));
  assert.deepEqual(field({ sizeBytes: 13 }), { code: 'WIRE_INDEX_FORMAT', field: 'chunks' });
  assert.deepEqual(field({ sizeBytes: 11 }), { code: 'WIRE_INDEX_FORMAT', field: 'chunks[2].sizeBytes' });
  assert.deepEqual(field({ sizeBytes: -1 }), { code: 'WIRE_INDEX_FORMAT', field: 'sizeBytes' });
  assert.deepEqual(field({ sizeBytes: Number.NaN }), { code: 'WIRE_INDEX_FORMAT', field: 'sizeBytes' });
  assert.deepEqual(field({ chunkBytes: 0 }), { code: 'WIRE_INDEX_FORMAT', field: 'chunkBytes' });
  assert.deepEqual(field({ chunks: index.chunks.slice(1) }), { code: 'WIRE_INDEX_FORMAT', field: 'chunks' });
  const huge = { sizeBytes: 2 ** 40, chunkBytes: 2 ** 40, chunks: [{ hash: '0x', sizeBytes: 2 ** 40 }] };
  assert.deepEqual(
    infoOf(() => new SnapshotAssembly(huge, 1000)),
    { code: 'WIRE_SNAPSHOT_LIMIT', sizeBytes: 2 ** 40, maxBytes: 1000 },
  );
});

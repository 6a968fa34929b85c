/** @file Losses a scorer reports, on a model whose loss can be computed by hand; what is whose fault when bytes are bad. */
import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import {
  cutSnapshot,
  encodeSetDelta,
  encodeSubmission,
  errorCodeOf,
  fromHalves,
  type HashHex,
  initCrypto,
  keyPairFromSecret,
  layoutOf,
  littleEndianBytes,
  type ModelMessage,
  type ScoringJob,
  type SparseDelta,
  sha256Hex,
  stateRoot,
  toHalves,
  toHex,
  type VersionManifest,
  versionMessage,
} from '@alice/protocol';
import { ScoringSession } from './ScoringSession.js';
import type { ScoringSource } from './scoring.js';

const layout = layoutOf([
  ['a', [6]],
  ['b', [4]],
]);
const NETWORK_ID: HashHex = `0x${'a'.repeat(64)}`;
const BATCH: HashHex = `0x${'b'.repeat(64)}`;
const model: ModelMessage = {
  name: 'm',
  layers: 1,
  width: 2,
  heads: 1,
  kvHeads: 1,
  ffn: 2,
  context: 4,
  vocab: 9,
  ropeTheta: 1,
  normEps: 1,
};
/** Three rows of three tokens. */
const tokens = Uint16Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0);
const code = (wanted: string) => (error: unknown) => errorCodeOf(error) === wanted;

/** Loss of a row: its first token times the sum of squares of the parameters. */
const lossOf = (parameters: Float32Array, firstToken: number): number =>
  firstToken * parameters.reduce((sum, p) => sum + p * p, 0);

let blobs: Map<string, Uint8Array>;
let manifests: VersionManifest[];
let evaluations: Float32Array[];
let fetched: string[];
const key = () => keyPairFromSecret('//Server');
before(initCrypto);
beforeEach(async () => {
  blobs = new Map();
  manifests = [];
  evaluations = [];
  fetched = [];
  publish(Float32Array.from({ length: 10 }, (_, i) => (i + 1) / 8));
});

const put = (bytes: Uint8Array) => {
  const hash = sha256Hex(bytes);
  blobs.set(hash, bytes);
  return { hash, sizeBytes: bytes.length };
};

function publish(parameters: Float32Array, signer = key()): VersionManifest {
  const halves = toHalves(parameters);
  const { index, parts } = cutSnapshot(littleEndianBytes(halves), 8);
  parts.forEach(put);
  const unsigned = {
    version: manifests.length,
    stateRoot: stateRoot(halves, layout),
    parentStateRoot: null,
    createdAtMs: 1,
    snapshot: { ...index, chunks: [...index.chunks] },
    setDelta: null,
    heldOutLossNats: null,
    standardErrorNats: null,
    trainedTokens: 0,
    uplinkBytes: 0,
    acceptedSubmissions: 0,
  };
  const manifest = { ...unsigned, signature: toHex(signer.sign(versionMessage(unsigned, NETWORK_ID))) };
  manifests.push(manifest);
  return manifest;
}

async function session(source: Partial<ScoringSource> = {}): Promise<ScoringSession> {
  const one = new ScoringSession({
    source: {
      blob: async ({ hash }) => {
        fetched.push(hash);
        return blobs.get(hash)!;
      },
      version: async (version) => manifests[version],
      batch: async (batchId) => {
        fetched.push(batchId);
        return littleEndianBytes(tokens);
      },
      ...source,
    },
    layoutOf: () => layout,
    lossFunction: async (_, { batch, sequenceLength }) => ({
      batch,
      sequenceLength,
      run: async (parameters, rows) => {
        evaluations.push(parameters.slice());
        return Float64Array.from({ length: rows.length / 3 }, (_, row) => lossOf(parameters, rows[3 * row]!));
      },
      dispose: async () => {},
    }),
    nowMs: () => 0,
  });
  await one.open({ networkId: NETWORK_ID, serverId: key().address, model, threads: 1 });
  return one;
}

function jobOf(
  kind: ScoringJob['kind'],
  blob: ScoringJob['blob'],
  changes: Partial<ScoringJob> = {},
): ScoringJob {
  const { version, stateRoot } = manifests.at(-1)!;
  return {
    jobId: 'j',
    kind,
    version,
    stateRoot,
    batchId: BATCH,
    rowLength: 3,
    blob,
    stepFraction: kind === 'submission' ? 0.25 : 1,
    leaseUntilMs: 0,
    ...changes,
  };
}

const delta: SparseDelta = {
  tensors: [{ tensor: 0, indices: Uint32Array.of(1, 5), values: Float32Array.of(-0.5, 2) }],
};
const submission = (sent: SparseDelta = delta) =>
  encodeSubmission(
    {
      taskId: `0x${'1'.repeat(32)}`,
      nonce: NETWORK_ID,
      stateRoot: NETWORK_ID,
      baseVersion: 0,
      innerSteps: 1,
      tokens: 1,
      meanTrainingLossNats: 1,
    },
    sent,
    layout,
  );
const base = (): Float32Array => Float32Array.from({ length: 10 }, (_, i) => (i + 1) / 8);
const rowsOf = (parameters: Float32Array): number[] => [1, 4, 7].map((first) => lossOf(parameters, first));

describe('ScoringSession', () => {
  it('applies the asked part of a submission and puts the weights back bit for bit', async () => {
    const one = await session();
    const job = jobOf('submission', put(await submission()));
    const moved = base();
    moved[1]! += 0.25 * -0.5;
    moved[5]! += 0.25 * 2;
    assert.deepEqual(await one.score(job), {
      lossesBefore: rowsOf(base()),
      lossesAfter: rowsOf(moved),
      elapsedMs: 0,
    });
    assert.deepEqual(await one.score(job), {
      lossesBefore: rowsOf(base()),
      lossesAfter: rowsOf(moved),
      elapsedMs: 0,
    });
    assert.deepEqual(
      evaluations,
      [base(), moved, moved],
      'losses before are computed once per version and batch',
    );
  });

  it('fetches weights and rows once for many jobs, and only the new weights for a new version', async () => {
    const one = await session();
    const blob = put(await submission());
    await one.score(jobOf('submission', blob));
    const first = fetched.length;
    await one.score(jobOf('submission', blob));
    assert.deepEqual(fetched.slice(first), [blob.hash]);
    publish(new Float32Array(10).fill(0.5));
    const { lossesBefore } = await one.score(jobOf('submission', blob));
    assert.deepEqual(lossesBefore, rowsOf(new Float32Array(10).fill(0.5)));
  });

  it('evaluates a candidate as it would be published, and knows its losses when it is', async () => {
    const one = await session();
    const next = toHalves(new Float32Array(10).fill(0.3));
    const root = stateRoot(next, layout);
    const header = {
      fromVersion: 0,
      toVersion: 1,
      fromRoot: manifests[0]!.stateRoot as HashHex,
      toRoot: root,
    };
    const bytes = await encodeSetDelta(header, { from: toHalves(base()), to: next, layout });
    const scores = await one.score(jobOf('candidate', put(bytes)));
    assert.deepEqual(scores.lossesAfter, rowsOf(fromHalves(next)));
    publish(new Float32Array(10).fill(0.3));
    evaluations.length = 0;
    assert.deepEqual((await one.score(jobOf('baseline', null))).lossesBefore, rowsOf(fromHalves(next)));
    assert.deepEqual(evaluations, []);
  });

  it('evaluates a candidate that changed more than a set-delta can say, from its snapshot', async () => {
    const one = await session();
    const next = toHalves(new Float32Array(10).fill(0.3));
    const { index, parts } = cutSnapshot(littleEndianBytes(next), 8);
    parts.forEach(put);
    const snapshot = { ...index, chunks: [...index.chunks] };
    const scores = await one.score(jobOf('candidate', null, { snapshot }));
    assert.deepEqual([scores.lossesBefore, scores.lossesAfter], [rowsOf(base()), rowsOf(fromHalves(next))]);
    publish(new Float32Array(10).fill(0.3));
    evaluations.length = 0;
    assert.deepEqual((await one.score(jobOf('baseline', null))).lossesBefore, rowsOf(fromHalves(next)));
    assert.deepEqual(evaluations, [], 'its losses are known');
    const without = await one.score(jobOf('candidate', null));
    assert.equal(without.lossesAfter, null, 'never taken for one that changes nothing');
  });

  it('measures a version itself', async () => {
    assert.deepEqual(await (await session()).score(jobOf('baseline', null)), {
      lossesBefore: rowsOf(base()),
      lossesAfter: rowsOf(base()),
      elapsedMs: 0,
    });
  });

  it('reports null for a blob that does not decode, or gives losses that are not finite', async () => {
    const one = await session();
    const good = await submission();
    const overflow: SparseDelta = {
      tensors: [{ tensor: 0, indices: Uint32Array.of(0), values: Float32Array.of(3e38) }],
    };
    for (const bad of [new Uint8Array(20), good.slice(0, -1), await submission(overflow)]) {
      const { lossesBefore, lossesAfter } = await one.score(jobOf('submission', put(bad)));
      assert.deepEqual([lossesBefore, lossesAfter], [rowsOf(base()), null]);
    }
    assert.equal((await one.score(jobOf('candidate', put(good)))).lossesAfter, null);
    assert.deepEqual(
      (await one.score(jobOf('submission', put(good)))).lossesBefore,
      rowsOf(base()),
      'the weights are as before',
    );
  });

  it('never holds a damaged download against a miner', async () => {
    const blob = put(await submission());
    const one = await session();
    await one.score(jobOf('baseline', null));
    blobs.set(blob.hash, new Uint8Array(blob.sizeBytes));
    await assert.rejects(one.score(jobOf('submission', blob)), code('SCORER_BLOB_CORRUPT'));
  });

  it('refuses versions that are unsigned, or not the ones of the job', async () => {
    const one = await session();
    await assert.rejects(
      one.score(jobOf('baseline', null, { stateRoot: NETWORK_ID })),
      code('SCORER_VERSION_WRONG'),
    );
    await assert.rejects(one.score(jobOf('baseline', null, { version: 9 })), code('SCORER_VERSION_WRONG'));
    manifests = [];
    publish(new Float32Array(10), keyPairFromSecret('//Mallory'));
    await assert.rejects(one.score(jobOf('baseline', null)), code('SCORER_VERSION_UNSIGNED'));
    assert.deepEqual(fetched, []);
  });

  it('heals a copy that went wrong: after a failure it starts from the snapshot', async () => {
    let fail = true;
    const one = await session({
      blob: async ({ hash }) => {
        if (fail) return new Uint8Array(8);
        return blobs.get(hash)!;
      },
    });
    await assert.rejects(one.score(jobOf('baseline', null)), code('SCORER_BLOB_CORRUPT'));
    fail = false;
    assert.deepEqual((await one.score(jobOf('baseline', null))).lossesBefore, rowsOf(base()));
  });

  it('does not score on a version whose own losses are not finite', async () => {
    publish(Float32Array.from({ length: 10 }, () => 60_000));
    await assert.rejects((await session()).score(jobOf('baseline', null)), code('SCORER_WEIGHTS_BROKEN'));
  });
});

/**
 * @file What a round of a model larger than memory is made of, in files: a random FP32 master, and submissions with one
 * random entry in each stretch of every tensor. Statistically like real ones; made in the time it takes to write them.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ModelConfig, modelLayout } from '@alice/model';
import {
  bytesOf,
  encodeAnySubmission,
  entryCount,
  fromHalves,
  type HashHex,
  type SparseDelta,
  seededRandom,
  toHex,
} from '@alice/protocol';
import { defaultTrainingSettings } from '@alice/training';
import { randomWeights } from './randomWeights.js';

/** A file that is to become a blob. */
export interface PreparedFile {
  readonly path: string;
  readonly hash: HashHex;
  readonly sizeBytes: number;
}

export interface PreparedSubmission extends PreparedFile {
  readonly entries: number;
}

const PIECE_ELEMENTS = 2 ** 24;
const STEP = 0.01;

export async function prepareMaster(config: ModelConfig, dir: string): Promise<PreparedFile> {
  const path = join(dir, 'master');
  const hash = createHash('sha256');
  const weights = randomWeights(config, 'fold');
  const file = openSync(path, 'w');
  let sizeBytes = 0;
  try {
    for (const spec of weights.layout.tensors) {
      const halves = await weights.read(spec);
      for (let at = 0; at < spec.size; at += PIECE_ELEMENTS) {
        const bytes = bytesOf(fromHalves(halves.subarray(at, at + PIECE_ELEMENTS) as Uint16Array));
        hash.update(bytes);
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
        sizeBytes += bytes.length;
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return { path, hash: toHex(hash.digest()), sizeBytes };
}

export async function prepareSubmission(
  config: ModelConfig,
  { dir, number, density }: { dir: string; number: number; density: number },
): Promise<PreparedSubmission> {
  const layout = modelLayout(config);
  const header = {
    taskId: `0x${number.toString(16).padStart(32, '0')}`,
    nonce: `0x${'22'.repeat(32)}`,
    stateRoot: `0x${'00'.repeat(32)}`,
    ...{ baseVersion: 0, innerSteps: 1, tokens: 1, meanTrainingLossNats: 0 },
  } as const;
  const delta = scattered(layout.tensors, density, `fold/${number}`);
  const bytes = await encodeAnySubmission(header, delta, { layout, format: defaultTrainingSettings.wire });
  const path = join(dir, `submission-${number}`);
  writeFileSync(path, bytes, { flush: true });
  const hash = toHex(createHash('sha256').update(bytes).digest());
  return { path, hash, sizeBytes: bytes.length, entries: entryCount(delta) };
}

/** One entry in each whole stretch of 1/density elements. */
function scattered(tensors: readonly { size: number }[], density: number, seed: string): SparseDelta {
  const random = seededRandom(seed);
  const stretch = Math.round(1 / density);
  return {
    tensors: tensors.flatMap(({ size }, tensor) => {
      const count = Math.floor(size / stretch);
      if (count === 0) return [];
      const indices = new Uint32Array(count);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const bits = random.u32();
        indices[i] = i * stretch + Math.floor(((bits >>> 8) / 2 ** 24) * stretch);
        values[i] = (bits & 1 ? STEP : -STEP) * (1 + (bits & 0xff) / 256);
      }
      return [{ tensor, indices, values }];
    }),
  };
}

/**
 * @file What the compute thread keeps at hand: the layout, the last decoded submissions and what the last versions changed,
 * each rebuilt from its blob when it is not there. Caches bounded in bytes, whatever the model's size; nothing here is the truth.
 */
import { initialWeights, type ModelConfig, modelLayout } from '@alice/model';
import {
  bytesOf,
  decodeAnySubmission,
  entryCount,
  fromHalves,
  type HashHex,
  type SparseDelta,
  type SubmissionHeader,
  seededRandom,
  type TensorLayout,
  toHalves,
} from '@alice/protocol';
import {
  type ElementRange,
  type FlatDelta,
  flattenDelta,
  type IndexSketch,
  mayBeCopies,
  type PublishedUpdate,
  rangesAround,
  sketchIndices,
  updateOf,
  updateRanges,
} from '@alice/training';
import type { BlobStore } from '../blobs/BlobStore.js';
import { createLru } from '../lru.js';
import type { SubmissionBounds } from '../submissionBounds.js';
import { VECTOR_BYTES } from './readVector.js';
import type { VersionPart } from './VersionWriter.js';

export interface ModelStateOptions {
  readonly model: ModelConfig;
  readonly seed: string;
  readonly bounds: SubmissionBounds;
  /** Which indices a sketch looks at. */
  readonly secret: string;
}

/** Decoded submissions, 8 bytes an entry: as many as this, and not more than that many. */
const DELTA_BYTES_KEPT = 256 * 2 ** 20;
const DELTAS_KEPT = 64;
/** Bytes of deltas laid out flat for comparing: a dozen large ones, or thousands that are too small for their sketches. */
const FLAT_BYTES_KEPT = 64 * 2 ** 20;
/** 4 KiB each: those of a round of thousands. */
const SKETCHES_KEPT = 8_192;
/** Updates that submissions are compared with, 64 MiB at most; each new version adds one. */
export const UPDATES_KEPT = 4;
/** Windows of an update that are read at the same time. */
const READ_AT_ONCE = 16;

export class ModelState {
  readonly layout: TensorLayout;
  /** Which entries of a large delta are compared with a published update. */
  readonly sampleKey: number;
  readonly #options: ModelStateOptions;
  readonly #blobs: BlobStore;
  readonly #deltas = createLru<HashHex, SparseDelta>(DELTA_BYTES_KEPT, weightOf);
  readonly #flats = createLru<HashHex, FlatDelta>(FLAT_BYTES_KEPT, sizeOf);
  readonly #sketches = createLru<HashHex, IndexSketch>(SKETCHES_KEPT);
  readonly #updates = createLru<string, PublishedUpdate>(UPDATES_KEPT);

  constructor(options: ModelStateOptions, blobs: BlobStore) {
    this.layout = modelLayout(options.model);
    this.sampleKey = seededRandom(JSON.stringify(['published update', options.secret])).u32();
    this.#options = options;
    this.#blobs = blobs;
  }

  /** Version 0 in pieces; each is good until the next is asked for. */
  *initialParts(): Generator<VersionPart> {
    for (const weights of initialWeights(this.#options.model, this.#options.seed)) {
      const halves = toHalves(weights, { saturate: true });
      yield { halves, master: fromHalves(halves) };
    }
  }

  /** Decodes a submission of either format strictly. Throws `WireError`. // SPEC WIRE-2 */
  decode(bytes: Uint8Array): Promise<{ header: SubmissionHeader; delta: SparseDelta }> {
    return decodeAnySubmission(bytes, { layout: this.layout, ...this.#options.bounds });
  }

  async deltaOf(blobHash: HashHex): Promise<SparseDelta> {
    const known = this.#deltas.get(blobHash);
    if (known) return known;
    const { delta } = await this.decode(await this.#blobs.get(blobHash));
    return this.#deltas.set(blobHash, delta);
  }

  /** What an applied round did to the master weights, of a large model in windows of it. */
  async publishedUpdate(fromMaster: HashHex, toMaster: HashHex): Promise<PublishedUpdate> {
    const key = `${fromMaster}>${toMaster}`;
    const known = this.#updates.get(key);
    if (known) return known;
    const ranges = updateRanges(this.layout.size, this.sampleKey);
    return this.#updates.set(key, await this.#updateIn(ranges, fromMaster, toMaster));
  }

  /** The same where a delta's own entries are: read anew for each. */
  async publishedUpdateAround(
    delta: FlatDelta,
    fromMaster: HashHex,
    toMaster: HashHex,
  ): Promise<PublishedUpdate> {
    return this.#updateIn(rangesAround(delta, this.layout.size, this.sampleKey), fromMaster, toMaster);
  }

  async #updateIn(
    ranges: readonly ElementRange[],
    fromMaster: HashHex,
    toMaster: HashHex,
  ): Promise<PublishedUpdate> {
    const parts: { offset: number; from: Float32Array; to: Float32Array }[] = [];
    for (let at = 0; at < ranges.length; at += READ_AT_ONCE)
      parts.push(
        ...(await Promise.all(
          ranges.slice(at, at + READ_AT_ONCE).map(async (range) => ({
            offset: range.offset,
            from: await this.#weightsIn(fromMaster, range),
            to: await this.#weightsIn(toMaster, range),
          })),
        )),
      );
    return updateOf(parts);
  }

  /** As they lie: damage would show in the fold, which reads all of it. */
  async #weightsIn(master: HashHex, { offset, size }: ElementRange): Promise<Float32Array> {
    const weights = new Float32Array(size);
    await this.#blobs.readInto(master, VECTOR_BYTES * offset, bytesOf(weights));
    return weights;
  }

  /** Whether one of two submissions may be a copy of the other; known ones are told apart without decoding them. */
  async mayBeCopies(one: HashHex, other: HashHex): Promise<boolean> {
    return mayBeCopies(await this.sketchOf(one), await this.sketchOf(other));
  }

  async sketchOf(blobHash: HashHex): Promise<IndexSketch> {
    const known = this.#sketches.get(blobHash);
    if (known) return known;
    const sketch = sketchIndices(await this.flatDeltaOf(blobHash), this.#options.secret);
    return this.#sketches.set(blobHash, sketch);
  }

  async flatDeltaOf(blobHash: HashHex): Promise<FlatDelta> {
    const known = this.#flats.get(blobHash);
    if (known) return known;
    return this.#flats.set(blobHash, flattenDelta(await this.deltaOf(blobHash), this.layout));
  }
}

/** What an entry of a map weighs besides its numbers. */
const FIXED_BYTES = 512;

/** Bytes of a decoded submission; at least so many that no more than `DELTAS_KEPT` are kept. */
function weightOf(delta: SparseDelta): number {
  return Math.max(8 * entryCount(delta), DELTA_BYTES_KEPT / DELTAS_KEPT);
}

function sizeOf({ indices, values }: FlatDelta): number {
  return FIXED_BYTES + values.byteLength + (indices?.byteLength ?? 0);
}

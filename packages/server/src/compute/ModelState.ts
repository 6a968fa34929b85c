/**
 * @file What the compute thread keeps at hand: the layout, the last master vectors and the last decoded submissions,
 * each rebuilt from its blob when it is not there. Bounded caches only; nothing here is the truth.
 */
import { createHash } from 'node:crypto';
import { initParameters, type ModelConfig, modelLayout } from '@alice/model';
import {
  bytesOf,
  decodeAnySubmission,
  fromHalves,
  type HashHex,
  type SparseDelta,
  type SubmissionHeader,
  seededRandom,
  type TensorLayout,
  toHalves,
} from '@alice/protocol';
import {
  type FlatDelta,
  flattenDelta,
  type IndexSketch,
  mayBeCopies,
  type PublishedUpdate,
  publishedUpdate,
  sketchIndices,
} from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import { ServerError } from '../errors.js';
import { createLru } from '../lru.js';
import type { SubmissionBounds } from '../submissionBounds.js';

export interface ModelStateOptions {
  readonly model: ModelConfig;
  readonly seed: string;
  readonly bounds: SubmissionBounds;
  /** Which indices a sketch looks at. */
  readonly secret: string;
}

// A master is 4 bytes a parameter: the base and the candidate. A decoded submission is 8 bytes an entry.
const MASTERS_KEPT = 2;
const DELTAS_KEPT = 64;
/** Bytes of deltas laid out flat for comparing: a dozen large ones, or thousands that are too small for their sketches. */
const FLAT_BYTES_KEPT = 64 * 2 ** 20;
/** 4 KiB each: those of a round of thousands. */
const SKETCHES_KEPT = 8_192;
/** Updates that submissions are compared with; each new version adds one. */
export const UPDATES_KEPT = 4;

export class ModelState {
  readonly layout: TensorLayout;
  /** Which entries of a large delta are compared with a published update. */
  readonly sampleKey: number;
  readonly #options: ModelStateOptions;
  readonly #blobs: BlobStore;
  readonly #masters = createLru<HashHex, Float32Array>(MASTERS_KEPT);
  readonly #deltas = createLru<HashHex, SparseDelta>(DELTAS_KEPT);
  readonly #flats = createLru<HashHex, FlatDelta>(FLAT_BYTES_KEPT, sizeOf);
  readonly #sketches = createLru<HashHex, IndexSketch>(SKETCHES_KEPT);
  readonly #updates = createLru<string, PublishedUpdate>(UPDATES_KEPT);

  constructor(options: ModelStateOptions, blobs: BlobStore) {
    this.layout = modelLayout(options.model);
    this.sampleKey = seededRandom(JSON.stringify(['published update', options.secret])).u32();
    this.#options = options;
    this.#blobs = blobs;
  }

  /** Node's native SHA-256: the same digests as the portable one, an order faster. */
  readonly sha256 = (bytes: Uint8Array): Uint8Array =>
    new Uint8Array(createHash('sha256').update(bytes).digest());

  initial(): { master: Float32Array; halves: Uint16Array } {
    const halves = toHalves(initParameters(this.#options.model, this.#options.seed), { saturate: true });
    return { halves, master: fromHalves(halves) };
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

  async master(hash: HashHex): Promise<Float32Array> {
    const known = this.#masters.get(hash);
    if (known) return known;
    const bytes = await this.#blobs.get(hash);
    if (bytes.length !== 4 * this.layout.size)
      throw new ServerError(
        { code: 'BLOB_CORRUPT', hash, actual: `${bytes.length} bytes` },
        `the master ${hash} has another model's size`,
      );
    const master = new Float32Array(this.layout.size);
    bytesOf(master).set(bytes);
    return this.#masters.set(hash, master);
  }

  async storeMaster(master: Float32Array): Promise<BlobRef> {
    const ref = await this.#blobs.put(bytesOf(master));
    this.#masters.set(ref.hash, master);
    return ref;
  }

  /** What an applied round did to the master weights. Cost: one pass over the parameters. */
  async publishedUpdate(fromMaster: HashHex, toMaster: HashHex): Promise<PublishedUpdate> {
    const key = `${fromMaster}>${toMaster}`;
    const known = this.#updates.get(key);
    if (known) return known;
    const [from, to] = [await this.master(fromMaster), await this.master(toMaster)];
    return this.#updates.set(key, publishedUpdate(from, to));
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

function sizeOf({ indices, values }: FlatDelta): number {
  return FIXED_BYTES + values.byteLength + (indices?.byteLength ?? 0);
}

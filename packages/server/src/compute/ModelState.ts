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
  type TensorLayout,
  toHalves,
} from '@alice/protocol';
import { type FlatDelta, flattenDelta } from '@alice/training';
import type { BlobRef, BlobStore } from '../blobs/BlobStore.js';
import { ServerError } from '../errors.js';
import { createLru } from '../lru.js';
import type { SubmissionBounds } from '../submissionBounds.js';
import { indexSketch, mayBeCopies } from './indexSketch.js';

export interface ModelStateOptions {
  readonly model: ModelConfig;
  readonly seed: string;
  readonly bounds: SubmissionBounds;
}

// A master is 4 bytes a parameter: the base and the candidate. A decoded submission is 8 bytes an entry.
const MASTERS_KEPT = 2;
const DELTAS_KEPT = 64;
/** 4 KiB each: those of a round of thousands. */
const SKETCHES_KEPT = 8_192;
/** Updates that submissions are compared with; each new version adds one. */
export const UPDATES_KEPT = 4;

export class ModelState {
  readonly layout: TensorLayout;
  readonly #options: ModelStateOptions;
  readonly #blobs: BlobStore;
  readonly #masters = createLru<HashHex, Float32Array>(MASTERS_KEPT);
  readonly #deltas = createLru<HashHex, SparseDelta>(DELTAS_KEPT);
  readonly #sketches = createLru<HashHex, Uint32Array>(SKETCHES_KEPT);
  readonly #updates = createLru<string, FlatDelta>(UPDATES_KEPT);

  constructor(options: ModelStateOptions, blobs: BlobStore) {
    this.layout = modelLayout(options.model);
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

  /** What an applied round did to the master weights, as a sparse delta. Cost: one pass over the parameters. */
  async publishedUpdate(fromMaster: HashHex, toMaster: HashHex): Promise<FlatDelta> {
    const key = `${fromMaster}>${toMaster}`;
    const known = this.#updates.get(key);
    if (known) return known;
    const [from, to] = [await this.master(fromMaster), await this.master(toMaster)];
    const changed: number[] = [];
    for (let i = 0; i < from.length; i++) if (from[i] !== to[i]) changed.push(i);
    const indices = Uint32Array.from(changed);
    const values = new Float32Array(indices.length);
    for (let i = 0; i < indices.length; i++) values[i] = to[indices[i]!]! - from[indices[i]!]!;
    return this.#updates.set(key, { indices, values });
  }

  /** Whether one of two submissions may be a copy of the other; known ones are told apart without decoding them. */
  async mayBeCopies(one: HashHex, other: HashHex): Promise<boolean> {
    return mayBeCopies(await this.#sketchOf(one), await this.#sketchOf(other));
  }

  async #sketchOf(blobHash: HashHex): Promise<Uint32Array> {
    const known = this.#sketches.get(blobHash);
    if (known) return known;
    const { indices } = await this.flatDeltaOf(blobHash);
    // Without indices every element has a value: nothing to tell apart by.
    const sketch = indices ? indexSketch(indices, this.#options.bounds.maxEntries) : new Uint32Array();
    return this.#sketches.set(blobHash, sketch);
  }

  async flatDeltaOf(blobHash: HashHex): Promise<FlatDelta> {
    return flattenDelta(await this.deltaOf(blobHash), this.layout);
  }
}

/**
 * @file The computing half of a scorer: a copy of the published model and the paired losses of jobs on it (SPEC SCORE-1).
 * Runs in a thread or process of its own (scoringProgram.ts) and in tests directly. Decides nothing: it reports losses.
 * Invariant: losses before are computed once per (state root, batch).
 */
import { createHash } from 'node:crypto';
import { bytesToTokens } from '@alice/data';
import {
  decodeAnySubmission,
  decodeSetDelta,
  isCodedError,
  type ModelMessage,
  type ScoringJob,
  type SetDelta,
  type SparseDelta,
  type TensorLayout,
  type VersionManifest,
  verifyVersion,
} from '@alice/protocol';
import { createLru } from '../lru.js';
import type { ScoredWeights, WeightsParts } from './scoredWeights.js';
import { ScorerError } from './scorerErrors.js';
import type { JobScorer, JobScores, OpenScoring, ScoringSource } from './scoring.js';
import { WeightsInMemory } from './WeightsInMemory.js';
import { WeightsOnDisk } from './WeightsOnDisk.js';

export interface ScoringSessionPorts {
  readonly source: ScoringSource;
  layoutOf(model: ModelMessage): TensorLayout;
  readonly lossFunction: WeightsParts['lossFunction'];
  /** Monotonic milliseconds. */
  nowMs(): number;
}

const BATCHES_KEPT = 16;
const LOSSES_KEPT = 256;
/** The largest loss the result message can carry, nats. */
const MAX_LOSS_NATS = 1e6;

export class ScoringSession implements JobScorer {
  readonly #ports: ScoringSessionPorts;
  #request: (OpenScoring & { readonly layout: TensorLayout }) | undefined;
  #weights: ScoredWeights | undefined;
  readonly #batches = createLru<string, Uint16Array>(BATCHES_KEPT);
  readonly #before = createLru<string, Float64Array>(LOSSES_KEPT);

  constructor(ports: ScoringSessionPorts) {
    this.#ports = ports;
  }

  async open(request: OpenScoring): Promise<void> {
    await this.close();
    this.#request = { ...request, layout: this.#ports.layoutOf(request.model) };
  }

  /**
   * The losses of a job. A blob that does not decode, or gives losses that are not finite, has `lossesAfter` null.
   * Throws `SCORER_…` and `REPLICA_…` for what is not the blob's fault: then the job is to be tried again.
   */
  async score(job: ScoringJob): Promise<JobScores> {
    const startedMs = this.#ports.nowMs();
    const weights = await this.#weightsOf(job, job.rowLength - 1);
    const rows = await this.#allRowsOf(job);
    const before = await this.#allLossesBefore(job, weights);
    const after = await this.#lossesAfter(job, { weights, rows, before });
    const isSound = after?.every((loss) => loss >= 0 && loss <= MAX_LOSS_NATS); // false for NaN as well
    return {
      lossesBefore: [...before],
      lossesAfter: after !== undefined && isSound ? [...after] : null,
      elapsedMs: Math.round(this.#ports.nowMs() - startedMs),
    };
  }

  async close(): Promise<void> {
    const weights = this.#weights;
    this.#weights = undefined;
    await weights?.close();
  }

  /** Of the job's batch, and after it of its control rows, which many jobs share. */
  async #allLossesBefore(job: ScoringJob, weights: ScoredWeights): Promise<Float64Array> {
    const own = await this.#lossesBefore(job, { weights, rows: await this.#rowsOf(job.batchId) });
    const { controlBatchId } = job;
    if (controlBatchId === undefined) return own;
    const rows = await this.#rowsOf(controlBatchId);
    const control = await this.#lossesBefore({ ...job, batchId: controlBatchId }, { weights, rows });
    return Float64Array.of(...own, ...control);
  }

  async #lossesBefore(
    { stateRoot, batchId, version }: ScoringJob,
    { weights, rows }: Evaluation,
  ): Promise<Float64Array> {
    const key = `${stateRoot}/${batchId}`;
    const known = this.#before.get(key);
    if (known !== undefined) return known;
    const losses = await weights.losses(rows);
    if (!losses.every((loss) => loss >= 0 && loss <= MAX_LOSS_NATS))
      throw new ScorerError(
        { code: 'SCORER_WEIGHTS_BROKEN', version },
        `version ${version} gives losses that are not finite: nothing can be scored on it`,
      );
    return this.#before.set(key, losses);
  }

  /** Undefined when the blob cannot be decoded. */
  async #lossesAfter(
    job: ScoringJob,
    { weights, rows, before }: Evaluation & { before: Float64Array },
  ): Promise<Float64Array | undefined> {
    if (job.kind === 'candidate') return this.#candidateLosses(job, { weights, rows });
    if (job.blob === null) return before; // a baseline changes nothing
    const bytes = await this.#blob(job.blob.hash, job.blob.sizeBytes);
    const delta = await undefinedIfUndecodable(() => this.#deltaOf(bytes));
    return delta && weights.lossesWith(delta, { stepFraction: job.stepFraction, rows, before });
  }

  async #deltaOf(bytes: Uint8Array): Promise<SparseDelta> {
    const { layout } = this.#opened();
    const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
    return (await decodeAnySubmission(bytes, limits)).delta;
  }

  /** A candidate's weights are FP16 themselves, so it is evaluated as it would be published. */
  async #candidateLosses(job: ScoringJob, { weights, rows }: Evaluation): Promise<Float64Array | undefined> {
    const candidate = job.blob ? await this.#setDelta(job, job.blob) : job.snapshot;
    if (!candidate) return undefined;
    const { losses, root } =
      'tensors' in candidate
        ? { losses: await weights.lossesOfNext(candidate, rows), root: candidate.header.toRoot }
        : await weights.lossesOfSnapshot(candidate, rows);
    // If it is published, these are the losses before of its first report.
    if (losses.every(Number.isFinite)) this.#before.set(`${root}/${job.batchId}`, losses);
    return losses;
  }

  async #setDelta(job: ScoringJob, blob: NonNullable<ScoringJob['blob']>): Promise<SetDelta | undefined> {
    const { layout } = this.#opened();
    const bytes = await this.#blob(blob.hash, blob.sizeBytes);
    const expected = { fromVersion: job.version, fromRoot: job.stateRoot as `0x${string}` };
    return await undefinedIfUndecodable(() => decodeSetDelta(bytes, { layout, expected }));
  }

  /** Of exactly the job's version. */
  async #weightsOf({ version, stateRoot }: ScoringJob, sequenceLength: number): Promise<ScoredWeights> {
    const weights = await this.#openWeights();
    if (!weights.holds(version, stateRoot)) {
      const latest = await this.#verifiedVersion(version);
      if (latest?.stateRoot !== stateRoot)
        throw new ScorerError(
          { code: 'SCORER_VERSION_WRONG', version, expected: stateRoot, actual: latest?.stateRoot ?? 'none' },
          `the job is on root ${stateRoot} of version ${version}, which is not what is published`,
        );
      const { layout } = this.#opened();
      await weights.sync({
        layout,
        latest,
        manifestOf: (older) => this.#verifiedVersion(older),
        fetchBlob: (hash) => this.#blob(hash, 8 * layout.size + 65_536),
      });
    }
    await weights.prepare(sequenceLength);
    return weights;
  }

  async #openWeights(): Promise<ScoredWeights> {
    const { layout, dir, ...rest } = this.#opened();
    const fetchBlob = (hash: string, sizeBytes: number): Promise<Uint8Array> => this.#blob(hash, sizeBytes);
    const parts = { layout, ...rest, fetchBlob, lossFunction: this.#ports.lossFunction };
    this.#weights ??= dir === undefined ? new WeightsInMemory(parts) : await WeightsOnDisk.open(dir, parts);
    return this.#weights;
  }

  async #verifiedVersion(version: number): Promise<VersionManifest | undefined> {
    const { networkId, serverId } = this.#opened();
    const manifest = await this.#ports.source.version(version);
    if (manifest === undefined || verifyVersion(manifest, networkId, serverId)) return manifest;
    throw new ScorerError(
      { code: 'SCORER_VERSION_UNSIGNED', version },
      `version ${version} is not signed by ${serverId}; check the server's address`,
    );
  }

  /** A blob with the hash asked for; a damaged download is never held against a miner. */
  async #blob(hash: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#ports.source.blob({ hash, maxBytes });
    const actual = `0x${createHash('sha256').update(bytes).digest('hex')}`;
    if (actual === hash) return bytes;
    throw new ScorerError(
      { code: 'SCORER_BLOB_CORRUPT', hash, actual },
      `a downloaded blob has hash ${actual}, not ${hash}; it is fetched again`,
    );
  }

  async #allRowsOf({ batchId, controlBatchId }: ScoringJob): Promise<Uint16Array> {
    const own = await this.#rowsOf(batchId);
    if (controlBatchId === undefined) return own;
    const control = await this.#rowsOf(controlBatchId);
    const all = new Uint16Array(own.length + control.length);
    all.set(own);
    all.set(control, own.length);
    return all;
  }

  async #rowsOf(batchId: string): Promise<Uint16Array> {
    return (
      this.#batches.get(batchId) ??
      this.#batches.set(batchId, bytesToTokens(await this.#ports.source.batch(batchId)))
    );
  }

  #opened() {
    if (this.#request === undefined)
      throw new Error('cannot happen: a scoring session is opened before it is used');
    return this.#request;
  }
}

interface Evaluation {
  readonly weights: ScoredWeights;
  readonly rows: Uint16Array;
}

/** Bytes with the right hash that do not decode are the submitter's fault; every other error is ours. */
async function undefinedIfUndecodable<T>(decode: () => Promise<T>): Promise<T | undefined> {
  try {
    return await decode();
  } catch (error) {
    if (isCodedError(error) && (error.info.code.startsWith('WIRE_') || error.info.code === 'DELTA_INVALID'))
      return undefined;
    throw error;
  }
}

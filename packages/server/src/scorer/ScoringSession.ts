/**
 * @file The computing half of a scorer: a copy of the published model and the paired losses of jobs on it (SPEC SCORE-1).
 * Runs in a thread or process of its own (scoringProgram.ts) and in tests directly. Decides nothing: it reports losses.
 * Invariant: losses before are computed once per (state root, batch).
 */
import { createHash } from 'node:crypto';
import { bytesToTokens } from '@alice/data';
import type { LossFunction } from '@alice/model';
import {
  applySetDelta,
  decodeAnySubmission,
  decodeSetDelta,
  fromHalves,
  halvesOfBytes,
  isCodedError,
  type ModelMessage,
  type ScoringJob,
  SnapshotAssembly,
  stateRoot,
  type TensorLayout,
  type VersionManifest,
  verifyVersion,
} from '@alice/protocol';
import {
  type FlatDelta,
  flattenDelta,
  type ModelReplica,
  pairedScore,
  parametersOf,
  syncReplica,
} from '@alice/training';
import { createLru } from '../lru.js';
import { ScorerError } from './scorerErrors.js';
import type { JobScorer, JobScores, OpenScoring, ScoringSource } from './scoring.js';

export interface LossShape {
  readonly batch: number;
  readonly sequenceLength: number;
  readonly threads: number;
}

export interface ScoringSessionPorts {
  readonly source: ScoringSource;
  layoutOf(model: ModelMessage): TensorLayout;
  lossFunction(model: ModelMessage, shape: LossShape): Promise<LossFunction>;
  /** Monotonic milliseconds. */
  nowMs(): number;
}

/** Rows evaluated together; more do not run faster on a CPU. */
const ROWS_AT_ONCE = 8;
const BATCHES_KEPT = 16;
const LOSSES_KEPT = 256;
/** The largest loss the result message can carry, nats. */
const MAX_LOSS_NATS = 1e6;

export class ScoringSession implements JobScorer {
  readonly #ports: ScoringSessionPorts;
  #request: (OpenScoring & { readonly layout: TensorLayout }) | undefined;
  #replica: ModelReplica | undefined;
  #parameters: Float32Array | undefined;
  #losses: { readonly sequenceLength: number; readonly run: LossFunction } | undefined;
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
    const parameters = await this.#parametersOf(job);
    const run = await this.#lossesFor(job.rowLength - 1);
    const rows = await this.#allRowsOf(job);
    const before = await this.#allLossesBefore(job, { run, parameters });
    const after = await this.#lossesAfter(job, { run, parameters, rows, before });
    const isSound = after?.every((loss) => loss >= 0 && loss <= MAX_LOSS_NATS); // false for NaN as well
    return {
      lossesBefore: [...before],
      lossesAfter: after !== undefined && isSound ? [...after] : null,
      elapsedMs: Math.round(this.#ports.nowMs() - startedMs),
    };
  }

  async close(): Promise<void> {
    await this.#losses?.run.dispose();
    this.#losses = undefined;
  }

  /** Of the job's batch, and after it of its control rows, which many jobs share. */
  async #allLossesBefore(
    job: ScoringJob,
    model: Pick<Evaluation, 'run' | 'parameters'>,
  ): Promise<Float64Array> {
    const own = await this.#lossesBefore(job, { ...model, rows: await this.#rowsOf(job.batchId) });
    const { controlBatchId } = job;
    if (controlBatchId === undefined) return own;
    const rows = await this.#rowsOf(controlBatchId);
    const control = await this.#lossesBefore({ ...job, batchId: controlBatchId }, { ...model, rows });
    return Float64Array.of(...own, ...control);
  }

  async #lossesBefore(
    { stateRoot, batchId, version }: ScoringJob,
    { run, parameters, rows }: Evaluation,
  ): Promise<Float64Array> {
    const key = `${stateRoot}/${batchId}`;
    const known = this.#before.get(key);
    if (known !== undefined) return known;
    const losses = await run.run(parameters, rows);
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
    evaluation: Evaluation & { before: Float64Array },
  ): Promise<Float64Array | undefined> {
    if (job.kind === 'candidate') return this.#candidateLosses(job, evaluation);
    if (job.blob === null) return evaluation.before; // a baseline changes nothing
    const bytes = await this.#blob(job.blob.hash, job.blob.sizeBytes);
    const delta = await undefinedIfUndecodable(() => this.#deltaOf(bytes));
    if (delta === undefined) return undefined;
    const { run: lossFunction, parameters, rows, before } = evaluation;
    const { after } = await pairedScore({
      lossFunction,
      parameters,
      delta,
      stepFraction: job.stepFraction,
      rows,
      lossesBefore: before,
    });
    return after;
  }

  async #deltaOf(bytes: Uint8Array): Promise<FlatDelta> {
    const { layout } = this.#opened();
    const limits = { layout, maxEntries: layout.size, maxInflatedBytes: 8 * layout.size + 65_536 };
    const { delta } = await decodeAnySubmission(bytes, limits);
    return flattenDelta(delta, layout);
  }

  /** A candidate's weights are FP16 themselves, so it is evaluated as it would be published. */
  async #candidateLosses(job: ScoringJob, { run, rows }: Evaluation): Promise<Float64Array | undefined> {
    const candidate = job.blob ? await this.#changed(job, job.blob) : await this.#whole(job);
    if (candidate === undefined) return undefined;
    const losses = await run.run(fromHalves(candidate.halves), rows);
    // If it is published, these are the losses before of its first report.
    if (losses.every(Number.isFinite)) this.#before.set(`${candidate.root}/${job.batchId}`, losses);
    return losses;
  }

  async #changed(job: ScoringJob, blob: NonNullable<ScoringJob['blob']>): Promise<Candidate | undefined> {
    const { layout } = this.#opened();
    const bytes = await this.#blob(blob.hash, blob.sizeBytes);
    const expected = { fromVersion: job.version, fromRoot: job.stateRoot as `0x${string}` };
    const setDelta = await undefinedIfUndecodable(() => decodeSetDelta(bytes, { layout, expected }));
    if (setDelta === undefined) return undefined;
    const halves = this.#replica!.halves.slice();
    applySetDelta(halves, setDelta);
    return { halves, root: setDelta.header.toRoot };
  }

  /** One that changed more than a set-delta can say. */
  async #whole({ snapshot }: ScoringJob): Promise<Candidate | undefined> {
    const { layout } = this.#opened();
    if (!snapshot) return undefined;
    const assembly = new SnapshotAssembly(snapshot, 2 * layout.size);
    for (const [chunk, { hash, sizeBytes }] of snapshot.chunks.entries())
      assembly.add(chunk, await this.#blob(hash, sizeBytes));
    const halves = halvesOfBytes(assembly.finish());
    return { halves, root: stateRoot(halves, layout, nativeSha256) };
  }

  async #parametersOf({ version, stateRoot }: ScoringJob): Promise<Float32Array> {
    if (this.#replica?.stateRoot === stateRoot && this.#replica.version === version && this.#parameters)
      return this.#parameters;
    const latest = await this.#verifiedVersion(version);
    if (latest?.stateRoot !== stateRoot)
      throw new ScorerError(
        { code: 'SCORER_VERSION_WRONG', version, expected: stateRoot, actual: latest?.stateRoot ?? 'none' },
        `the job is on root ${stateRoot} of version ${version}, which is not what is published`,
      );
    const { layout } = this.#opened();
    const before = this.#replica;
    this.#replica = undefined; // if this fails, the next try starts from the snapshot
    this.#replica = await syncReplica(before, {
      layout,
      latest,
      manifestOf: (older) => this.#verifiedVersion(older),
      fetchBlob: (hash) => this.#blob(hash, 8 * layout.size + 65_536),
    });
    this.#parameters = parametersOf(this.#replica);
    return this.#parameters;
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

  async #lossesFor(sequenceLength: number): Promise<LossFunction> {
    if (this.#losses?.sequenceLength === sequenceLength) return this.#losses.run;
    await this.close();
    const { model, threads } = this.#opened();
    const run = await this.#ports.lossFunction(model, { batch: ROWS_AT_ONCE, sequenceLength, threads });
    this.#losses = { sequenceLength, run };
    return run;
  }

  #opened() {
    if (this.#request === undefined)
      throw new Error('cannot happen: a scoring session is opened before it is used');
    return this.#request;
  }
}

interface Candidate {
  readonly halves: Uint16Array;
  readonly root: string;
}

interface Evaluation {
  readonly run: LossFunction;
  readonly parameters: Float32Array;
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

/** The same digests as the portable one, an order faster. */
const nativeSha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

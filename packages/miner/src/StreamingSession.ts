/**
 * @file The computing half of a miner whose model is larger than its memory: the weights lie in a file, a task is one inner
 * step through them layer by layer, and what is kept between tasks is the optimiser's row and column means and unsent
 * work. The other half is the same as for models in memory (TrainingSession.ts). Node's processor only.
 */
import { createStreamedModel } from '@alice/model';
import { entryCount, errorCodeOf, messageOf, type Task } from '@alice/protocol';
import { requireStreamable, type StreamedTrainingResult, trainStreamed } from '@alice/training';
import { MinerError } from './errors.js';
import { nothing, submissionOf, windowTooShort } from './finishedWork.js';
import { isOutOfMemory, microBatchesOf } from './microBatches.js';
import { type OpenedStreaming, openStreaming, restoreOptimizer } from './openStreaming.js';
import { publishedSource } from './publishedSource.js';
import { TrainerSession } from './TrainerSession.js';
import { rowsOfTask } from './taskRows.js';
import type { OpenTrainer, Synced, SyncRequest, Trained, TrainerSource, TrainRequest } from './trainer.js';

export interface StreamingPorts {
  readonly source: TrainerSource;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Asked between two layers. */
  readonly stopRequested: () => boolean;
}

/** More tokens at once make a block's working memory larger, and its products hardly faster. */
const TOKENS_AT_ONCE = 512;
/** The next task may take this much longer than the last one: other programs share the machine. */
const MARGIN = 1.25;

export class StreamingSession extends TrainerSession<OpenedStreaming> {
  readonly #ports: StreamingPorts;
  /** How long a row of the last task took, ms. */
  #rowMs = 0;
  #largestBatch = Number.POSITIVE_INFINITY;

  constructor(ports: StreamingPorts) {
    super();
    this.#ports = ports;
  }

  protected override read(request: OpenTrainer): Promise<OpenedStreaming> {
    return openStreaming(request);
  }

  protected override async follow(
    { request, layout, copy }: OpenedStreaming,
    { manifest, fromSnapshot }: SyncRequest,
  ): Promise<Synced> {
    const { networkId, serverId } = request;
    const from = { layout, networkId, serverId, source: this.#ports.source };
    const { source, fetched } = publishedSource(from, manifest);
    await copy.sync(source, { fromSnapshot });
    return { ...copy.holds!, ...fetched() };
  }

  protected override async release({ copy }: OpenedStreaming): Promise<void> {
    await copy.close();
  }

  protected override async work(
    opened: OpenedStreaming,
    { task, shards, windowMs }: TrainRequest,
  ): Promise<Trained> {
    const { copy } = opened;
    const { settings, version, stateRoot } = task;
    requireStreamable(settings);
    if (copy.holds?.version !== version || copy.holds.stateRoot !== stateRoot)
      throw new MinerError(
        { code: 'SYNC_FIRST', version },
        `the weights of version ${version} are not here yet: sync first`,
      );
    const { rowsPerStep, sequenceLength } = settings;
    const rows = rowsOfTask(task, shards).rows.subarray(0, rowsPerStep * (sequenceLength + 1));
    if (this.#rowMs * rowsPerStep * MARGIN >= windowMs) return windowTooShort(windowMs);
    const startedMs = this.#ports.nowMs();
    try {
      const { result, batch } = await this.#learn(opened, task, rows);
      const elapsedMs = this.#ports.nowMs() - startedMs;
      this.#rowMs = elapsedMs / rowsPerStep;
      return await this.#keep(opened, task, result, { batch, elapsedMs });
    } catch (error) {
      restoreOptimizer(opened); // what failed is not to be felt by the next step
      if (errorCodeOf(error) === 'NOT_FINITE') return nothing('NOT_FINITE', messageOf(error));
      if (error instanceof Stopped) return nothing('STOPPED', 'the miner is stopping');
      throw error;
    }
  }

  /** In the largest micro-batch that memory allows (SPEC TRAIN-5). */
  async #learn(
    opened: OpenedStreaming,
    task: Task,
    rows: Uint16Array,
  ): Promise<{ result: StreamedTrainingResult; batch: number }> {
    const { rowsPerStep, sequenceLength } = task.settings;
    const sizes = microBatchesOf(rowsPerStep, sequenceLength, TOKENS_AT_ONCE);
    for (const batch of sizes.filter((size) => size <= this.#largestBatch)) {
      try {
        return { result: await this.#attempt(opened, task, { rows, batch }), batch };
      } catch (error) {
        if (batch === 1 || !isOutOfMemory(error)) throw error;
        this.#largestBatch = batch - 1;
        restoreOptimizer(opened);
      }
    }
    throw new Error('cannot happen: a micro-batch of one row is always among the sizes');
  }

  async #attempt(
    { request, layout, copy, optimizer }: OpenedStreaming,
    { settings }: Task,
    { rows, batch }: { rows: Uint16Array; batch: number },
  ): Promise<StreamedTrainingResult> {
    const { sequenceLength, density } = settings;
    const { threads, model: config } = request;
    const total = 2 * config.layers + 1;
    let done = 0;
    const onPart = (): void => {
      if (this.#ports.stopRequested()) throw new Stopped();
      this.#ports.source.onLayer?.({ done: ++done, total });
    };
    const source = await copy.weights();
    const model = createStreamedModel(config, { batch, sequenceLength, threads, source, onPart });
    const learningRate = settings.learningRates[0]!;
    const result = await trainStreamed({ model, layout, optimizer, rows, learningRate, density });
    this.#ports.source.onStep({ step: 0, steps: 1, lossNats: result.lossNats, skipped: false });
    return result;
  }

  /** Encodes and saves: from here on the work survives anything. */
  async #keep(
    { state, layout, optimizer }: OpenedStreaming,
    task: Task,
    { delta, lossNats, tokens }: StreamedTrainingResult,
    { batch, elapsedMs }: { batch: number; elapsedMs: number },
  ): Promise<Trained> {
    if (entryCount(delta) === 0) return nothing('EMPTY_DELTA', 'training changed nothing');
    const bytes = await submissionOf(task, layout, { delta, steps: 1, tokens, lossNats });
    const work = { taskId: task.taskId, round: task.round, sizeBytes: bytes.length };
    state.optimizer = optimizer.exportState();
    await state.add(work, bytes);
    return { kind: 'work', work, steps: 1, skippedSteps: 0, tokens, lossNats, microBatch: batch, elapsedMs };
  }
}

class Stopped extends Error {}

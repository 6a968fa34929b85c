/**
 * @file A miner that really trains, and what a dishonest one does instead, through the server's routes. Small models only:
 * everything runs in this process. What is sent is a closure over an honest device, so that cheats are one line each.
 */
import { bytesToTokens, cutRows, shuffleRows } from '@alice/data';
import { createGradientFunction, type GradientFunction } from '@alice/model';
import {
  deltaAsDecoded,
  encodeAnySubmission,
  fromHalves,
  halvesOfBytes,
  headerForTask,
  type SparseDelta,
  type Submission,
  type Task,
  wholeTask,
} from '@alice/protocol';
import { createMuon, ErrorFeedback, type InnerOptimizer, trainLocally } from '@alice/training';
import type { ServerCore } from '../ServerCore.js';
import { findVersion, latestVersion, type VersionRow } from '../state/versions.js';
import type { TestClient } from './TestClient.js';

/** Compiled once for all devices of a test. */
export interface SharedGraphs {
  readonly gradientFunction: GradientFunction;
  readonly optimizer: InnerOptimizer;
  readonly freshState: Uint8Array;
  dispose(): Promise<void>;
}

export async function openSharedGraphs({ context }: ServerCore): Promise<SharedGraphs> {
  const { training } = context.options;
  const shape = { batch: training.rowsPerStep, sequenceLength: training.sequenceLength, threads: 1 };
  const gradientFunction = await createGradientFunction(context.model, shape);
  const { weightDecay } = training;
  const optimizer = await createMuon(context.layout, { threads: 1, weightDecay });
  return {
    gradientFunction,
    optimizer,
    freshState: optimizer.exportState(),
    dispose: async () => {
      await Promise.all([gradientFunction.dispose(), optimizer.dispose()]);
    },
  };
}

export interface Work {
  readonly task: Task;
  readonly base: Float32Array;
  /** The rows it was given, in the order of its steps. */
  readonly rows: Uint16Array;
  /** Local steps on rows of one's choice; the dense delta. */
  train(rows: Uint16Array, steps: number): Promise<Float32Array>;
  compress(delta: Float32Array): SparseDelta;
}

/** What a device makes of its task. */
export type Conduct = (work: Work) => Promise<SparseDelta>;
export const honestly: Conduct = async ({ task, rows, train, compress }) =>
  compress(await train(rows, task.settings.innerSteps));

export class TrainingDevice {
  readonly client: TestClient;
  readonly #core: ServerCore;
  readonly #graphs: SharedGraphs;
  readonly #feedback: ErrorFeedback;
  #optimizerState: Uint8Array;

  constructor(core: ServerCore, client: TestClient, graphs: SharedGraphs) {
    this.client = client;
    this.#core = core;
    this.#graphs = graphs;
    this.#optimizerState = graphs.freshState;
    const { density, errorFeedbackDecay: decay, selection, wire } = core.context.options.training;
    this.#feedback = new ErrorFeedback(core.context.layout, {
      density,
      decay,
      selection,
      asDecoded: (delta) => deltaAsDecoded(delta, wire),
    });
  }

  /** Takes a task, answers it in its own way, claims all of it; returns the stored submission. */
  async contribute(conduct: Conduct = honestly): Promise<Submission & { readonly delta: SparseDelta }> {
    const task = await this.client.task();
    const base = await weightsOf(this.#core, task.version);
    const work: Work = {
      task,
      base,
      rows: await this.rowsOf(task),
      train: (rows, steps) => this.#train(task, { base, rows, steps }),
      compress: (delta) => this.#feedback.compress(delta),
    };
    const delta = await conduct(work);
    const answer = await this.client.submit(task, await this.#encode(task, delta));
    if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
    return { ...answer.body, delta };
  }

  async rowsOf({ ranges, settings, seed }: Pick<Task, 'ranges' | 'settings' | 'seed'>): Promise<Uint16Array> {
    const rowLength = settings.sequenceLength + 1;
    const rows: number[] = [];
    for (const { shard, from, count } of ranges) {
      const { bytes } = await this.client.call('shard', { params: { shard: String(shard) } });
      rows.push(...cutRows(bytesToTokens(bytes).subarray(from, from + count), rowLength));
    }
    return shuffleRows(Uint16Array.from(rows), rowLength, seed);
  }

  async #train(
    { settings }: Task,
    { base, rows, steps }: { base: Float32Array; rows: Uint16Array; steps: number },
  ): Promise<Float32Array> {
    const { optimizer, gradientFunction } = this.#graphs;
    optimizer.importState(this.#optimizerState);
    const { delta } = await trainLocally({
      gradientFunction,
      optimizer,
      base,
      rows,
      steps,
      rowsPerStep: settings.rowsPerStep,
      clipNorm: settings.gradientClip,
      learningRateAt: (step) => settings.learningRates[step]!,
    });
    this.#optimizerState = optimizer.exportState();
    return delta;
  }

  #encode(task: Task, delta: SparseDelta): Promise<Uint8Array> {
    const header = headerForTask(task, wholeTask(task, 5));
    const { layout, options } = this.#core.context;
    return encodeAnySubmission(header, delta, { layout, format: options.training.wire });
  }
}

/** The published weights of a version whose snapshot is kept; the latest when left out. */
export async function weightsOf({ context }: ServerCore, version?: number): Promise<Float32Array> {
  const { db, blobs } = context;
  const row = (
    version === undefined ? await latestVersion(db) : await findVersion(db, version)
  ) as VersionRow;
  const chunks = await Promise.all(row.snapshot!.chunks.map(({ hash }) => blobs.get(hash)));
  return fromHalves(halvesOfBytes(Buffer.concat(chunks)));
}
